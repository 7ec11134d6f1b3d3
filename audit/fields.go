package audit

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/failure"
)

// Field describes one field of a line.
type Field struct {
	Name string
	// Type is the JSON type; Null says that the field may be null instead.
	Type string
	Null bool
	// Words are all values that it can have; nil for any.
	Words []string
	Doc   string
}

// Fields describes every field of a line, in the order in which they stand.
func Fields() []Field {
	return []Field{
		{Name: "type", Type: "string", Words: []string{"audit"}, Doc: "Distinguishes these lines from others in the same stream."},
		{Name: "format_version", Type: "number", Doc: "1. Fields may be added in this version; none is renamed or removed."},
		{Name: "time", Type: "string", Doc: "When it happened: RFC 3339 in UTC."},
		{Name: "id", Type: "string", Doc: "Random. The two lines of one attempt share it."},
		{Name: "project", Type: "string", Doc: "The project of the configuration."},
		{Name: "holder", Type: "string", Doc: "The process that did it: host, boot and process namespace, process ID, start time and a random part. The same text as `lease.holder` in the state."},
		{Name: "address", Type: "string", Doc: "The account's address."},
		{Name: "provider", Type: "string", Doc: "The account's provider."},
		{Name: "action", Type: "string", Words: words(Actions), Doc: "What was done; see below."},
		{Name: "outcome", Type: "string", Words: words(Outcomes), Doc: "`started` is written before an attempt is made."},
		{Name: "class", Type: "string", Null: true, Words: words(failure.Classes), Doc: "Why it failed."},
		{Name: "reason", Type: "string", Null: true, Doc: "Why a human is needed, in the words of `plan`: `credentials_rejected`, `needs_code`, …"},
		{Name: "http_status", Type: "number", Null: true, Doc: "The upstream's answer, if the attempt failed."},
		{Name: "host", Type: "string", Null: true, Doc: "The upstream's host, with its port if `base_url` has one; null for work on a target or the state."},
		{Name: "token", Type: "string", Null: true, Doc: "The fingerprint of the token that was issued, verified, delivered, recovered or forgotten; see below."},
		{Name: "sink", Type: "string", Null: true, Doc: "The target's sink, such as `vault.main`."},
		{Name: "location", Type: "string", Null: true, Doc: "The target's location in the sink, such as `secret/shop/sagi`."},
		{Name: "from", Type: "string", Null: true, Doc: "The address that the account's record was moved from by a `moved` block, prefixed with its project if that is a different one."},
	}
}

func words[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, w := range list {
		texts[i] = string(w)
	}
	return texts
}

// Table returns the fields as a table in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| field | type | |\n|---|---|---|\n")
	for _, f := range Fields() {
		kind := f.Type
		if f.Null {
			kind += " or null"
		}
		doc := f.Doc
		if len(f.Words) > 0 {
			doc += " One of `" + strings.Join(f.Words, "`, `") + "`."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, kind, doc)
	}
	return b.String()
}
