package render

import "github.com/credsync/credsync/plan"

// style colours texts, or leaves them alone.
type style struct{ on bool }

func (s Stream) style() style { return style{s.Color} }

func (s style) sgr(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string   { return s.sgr("1", text) }
func (s style) red(text string) string    { return s.sgr("31", text) }
func (s style) green(text string) string  { return s.sgr("32", text) }
func (s style) yellow(text string) string { return s.sgr("33", text) }
func (s style) cyan(text string) string   { return s.sgr("36", text) }

// symbol stands before an account or a target, as Terraform's do.
func symbol(a plan.Action) string {
	switch a {
	case plan.Issue:
		return "+"
	case plan.Refresh, plan.Reissue:
		return "~"
	case plan.Deliver:
		return ">"
	case plan.Forget, plan.Delete:
		return "-"
	case plan.BlockedAction:
		return "!"
	default:
		return " "
	}
}

// action colours a text by what is done.
func (s style) action(a plan.Action, text string) string {
	switch a {
	case plan.Issue:
		return s.green(text)
	case plan.Refresh, plan.Reissue:
		return s.yellow(text)
	case plan.Deliver:
		return s.cyan(text)
	case plan.Forget, plan.Delete, plan.BlockedAction:
		return s.red(text)
	default:
		return text
	}
}
