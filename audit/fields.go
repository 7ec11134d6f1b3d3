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
		{Name: "type", Type: "string", Words: []string{"audit"}, Doc: "Tells these lines from others in one stream."},
		{Name: "format_version", Type: "number", Doc: "1. Fields may be added under it; none is renamed or removed."},
		{Name: "time", Type: "string", Doc: "When it happened: RFC 3339 in UTC."},
		{Name: "id", Type: "string", Doc: "Random; the two lines of one attempt have the same."},
		{Name: "project", Type: "string", Doc: "Of the configuration."},
		{Name: "holder", Type: "string", Doc: "Which process did it: host, boot and process namespace, process id, its start, and something random. The same text as in `lease.holder` of the state."},
		{Name: "address", Type: "string", Doc: "Of the account."},
		{Name: "provider", Type: "string", Doc: "Of the account."},
		{Name: "action", Type: "string", Words: words(Actions), Doc: "What was done; see below."},
		{Name: "outcome", Type: "string", Words: words(Outcomes), Doc: "`started` stands before an attempt is made."},
		{Name: "class", Type: "string", Null: true, Words: words(failure.Classes), Doc: "Why it failed."},
		{Name: "reason", Type: "string", Null: true, Doc: "Why a human is needed, in the words of `plan`: `credentials_rejected`, `needs_code`, …"},
		{Name: "http_status", Type: "number", Null: true, Doc: "What the upstream answered, where it failed."},
		{Name: "host", Type: "string", Null: true, Doc: "The upstream's, with its port where `base_url` names one; null for what is done with a target or the state."},
		{Name: "token", Type: "string", Null: true, Doc: "The fingerprint of the token that was got, verified, delivered, brought back or forgotten; see below."},
		{Name: "sink", Type: "string", Null: true, Doc: "The target's sink, such as `vault.main`."},
		{Name: "location", Type: "string", Null: true, Doc: "The target's place in it, such as `secret/shop/sagi`."},
		{Name: "from", Type: "string", Null: true, Doc: "The address from which the account's record was moved, as a `moved` block says; with its project before it where that is another one."},
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
