package reference

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// CommandsFile is the name of the commands' page below docs/reference. It is
// written by the test of the commands, which alone know themselves.
const CommandsFile = "commands.md"

// Commands is the page of all commands.
func Commands(root *cobra.Command) []byte {
	var out page
	out.head("Commands")
	out.line("%s\n", strings.Replace(notice, "the attribute tables", "the commands", 1))
	out.line("%s\n", paragraph(root.Long))
	out.line("`credsync COMMAND --help` prints the same.\n")
	out.line("## Flags of every command\n")
	out.flags(root.PersistentFlags())
	for _, c := range Documented(root) {
		out.command(c)
	}
	return []byte(strings.TrimRight(out.String(), "\n") + "\n")
}

// Documented are the commands that do something, in the order of their names.
func Documented(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range root.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if c.HasSubCommands() {
			all = append(all, Documented(c)...)
			continue
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *cobra.Command) int { return strings.Compare(a.CommandPath(), b.CommandPath()) })
	return all
}

func (p *page) command(c *cobra.Command) {
	p.line("## %s\n", c.CommandPath())
	p.line("`%s`\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
	p.line("%s.\n", strings.TrimSuffix(c.Short, "."))
	if c.Long != "" {
		p.line("%s\n", paragraph(c.Long))
	}
	if c.Example != "" {
		p.line("```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimSpace(c.Example), "\n  ", "\n"))
	}
	flags := c.NonInheritedFlags()
	if flags.HasAvailableFlags() {
		p.flags(flags)
	}
}

func (p *page) flags(set *pflag.FlagSet) {
	p.line("| flag | |")
	p.line("|---|---|")
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		flag := "--" + f.Name
		if f.Shorthand != "" {
			flag = "-" + f.Shorthand + ", " + flag
		}
		if value != "" && value != "string" {
			flag += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && !strings.Contains(usage, "default") {
			usage += " (default " + f.DefValue + ")"
		}
		p.line("| `%s` | %s |", flag, cell(usage))
	})
	p.line("")
}

var indented = regexp.MustCompile(`(?m)^  +(.*)$`)

// paragraph turns a help text into Markdown: its lines are of one paragraph
// where no empty line is between them, and what is indented is code.
func paragraph(text string) string {
	var parts []string
	for _, part := range strings.Split(text, "\n\n") {
		lines := strings.Split(part, "\n")
		var prose, code []string
		for _, line := range lines {
			if indented.MatchString(line) {
				code = append(code, strings.TrimSpace(line))
			} else {
				prose = append(prose, line)
			}
		}
		if len(prose) > 0 {
			parts = append(parts, strings.Join(prose, " "))
		}
		if len(code) > 0 {
			parts = append(parts, "```\n"+strings.Join(code, "\n")+"\n```")
		}
	}
	return strings.Join(parts, "\n\n")
}
