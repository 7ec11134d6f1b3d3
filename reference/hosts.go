package reference

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/providers"
)

// DestinationJSON is a host that gets secrets. Each field is null where it does not apply.
type DestinationJSON struct {
	Host      *string `json:"host"`
	Attribute *string `json:"attribute"`
	Place     *string `json:"place"`
}

// ErrorJSON is what one kind of refusal means.
type ErrorJSON struct {
	Name       string   `json:"name"`
	Class      string   `json:"class"`
	Reason     *string  `json:"reason"`
	Operations []string `json:"operations"`
	Doc        string   `json:"doc"`
}

func destinationsJSON(s *providers.Spec) []DestinationJSON {
	list := []DestinationJSON{}
	for _, d := range s.SecretDestinations() {
		list = append(list, DestinationJSON{orNull(d.Host), orNull(d.Attribute), orNull(d.Place)})
	}
	return list
}

func errorsJSON(s *providers.Spec) []ErrorJSON {
	list := []ErrorJSON{}
	for _, e := range s.Errors {
		list = append(list, ErrorJSON{
			Name: e.Name, Class: string(e.Class), Reason: orNull(string(e.Reason)),
			Operations: append([]string{}, e.Operations...), Doc: e.Doc,
		})
	}
	return list
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// hostsTitle is the title of what destinationTexts lists, and noHosts stands for an empty
// list.
const (
	hostsTitle = "Hosts that get secrets"
	noHosts    = "None: no request is sent."
)

// destinationTexts are the hosts in Markdown.
func destinationTexts(s *providers.Spec) (list []string) {
	for _, d := range s.SecretDestinations() {
		switch {
		case d.Attribute == "hosts" && d.Host == "":
			list = append(list, "the hosts in `hosts`")
		case d.Attribute != "" && d.Host != "":
			list = append(list, fmt.Sprintf("the host of `%s`, by default `%s`", d.Attribute, d.Host))
		case d.Attribute != "":
			list = append(list, fmt.Sprintf("the host of `%s`", d.Attribute))
		case d.Place != "":
			list = append(list, "the host that the URL at "+d.Place+" leads to")
		default:
			list = append(list, "`"+d.Host+"`")
		}
	}
	return list
}

// hosts writes the hosts on a page.
func (p *page) hosts(s *providers.Spec) {
	p.line("\n## %s\n", hostsTitle)
	list := destinationTexts(s)
	if len(list) == 0 {
		p.line(noHosts)
	}
	for _, text := range list {
		p.line("- %s", text)
	}
}

// hosts writes the hosts for a terminal.
func (p *textPage) hosts(s *providers.Spec) {
	p.section(hostsTitle)
	list := destinationTexts(s)
	if len(list) == 0 {
		p.text(2, noHosts)
	}
	for _, text := range list {
		p.text(2, text)
	}
}

// errors writes what refusals mean, of a provider that says it as data.
func (p *textPage) errors(s *providers.Spec) {
	if len(s.Errors) == 0 {
		return
	}
	p.section("errors")
	p.text(2, "What refusals mean, in the order in which they are tried.")
	p.WriteByte('\n')
	for _, e := range s.Errors {
		marks := ""
		if e.Reason != "" {
			marks = " " + string(e.Reason)
		}
		operations := "any operation"
		if len(e.Operations) > 0 {
			operations = strings.Join(e.Operations, ", ")
		}
		p.entry(2, e.Name, string(e.Class), marks+"  ("+operations+")", e.Doc)
	}
}
