package render

import (
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
)

// remedy says what ends a block, and may name a command that is part of it.
// Both are "" where the block's message says so itself. codeSent says that a
// code is already with a human.
func remedy(reason plan.Reason, address string, codeSent bool) (advice, command string) {
	again := "credsync apply --replace " + quoteArgument(address)
	switch failure.Reason(reason) {
	case failure.CredentialsRejected:
		return "put working credentials into the configuration and run apply. To try the same ones again:", again
	case failure.CertificateExpired:
		return "get a new certificate from the upstream, put it into the configuration, then:", "credsync apply --target " + quoteArgument(address)
	case failure.AccountLocked:
		return "have the upstream unlock the account, then:", again
	case failure.PasswordChangeRequired:
		return "set a new password at the upstream, put it into the configuration, then:", "credsync apply --target " + quoteArgument(address)
	case failure.SecondFactorUnsupported:
		return "have the second factor turned off for this account at the upstream, then:", again
	case failure.NoAccess:
		return "have the upstream grant the account the access that it lacks, then:", again
	case failure.UnclassifiedRefusal:
		return "find out from the upstream what the rejection means, and correct the account if needed. To try the same login again:", again
	case failure.ExpiredAtIssue:
		return "compare this machine's clock with the upstream's. If it is right, ask the upstream, then:", again
	case failure.NeedsApproval:
		return "a person has to log in. Where the upstream asks for approval, run the command below; where the login is something that works once, put a new one into the configuration and run apply.", "credsync login " + quoteArgument(address)
	case failure.NeedsCode:
		if codeSent {
			return "ask the person who received the code to put it into a file and run (without --code-file, another code is sent):", "credsync login " + quoteArgument(address) + " --code-file FILE"
		}
		return "ask a person who receives the account's codes to run:", "credsync login " + quoteArgument(address)
	}
	return "", ""
}

// remedy prints it, with the command on a line of its own to copy.
func (p planPrinter) remedy(reason plan.Reason, address string, codeSent bool) {
	p.advice(remedy(reason, address, codeSent))
}

func (p planPrinter) advice(advice, command string) {
	if advice != "" {
		p.paragraph(6, "What to do: "+advice)
	}
	if command != "" {
		p.printf("        %s\n", command)
	}
}

// quoteArgument quotes an address for a shell: that of a for_each instance has
// brackets and quotes.
func quoteArgument(s string) string {
	s = strings.TrimPrefix(clean(s), "account.")
	if !strings.ContainsAny(s, "[]\"'\\ $`") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Remedy returns what to do about an event, with the command; "" where its
// message says all there is.
func Remedy(e config.Event) string {
	if e.Kind == schema.EventFailing {
		return "To see what is wrong: credsync status --target " + quoteArgument(e.Address)
	}
	if e.Kind != schema.EventBlocked {
		return ""
	}
	advice, command := remedy(plan.Reason(e.Reason), e.Address, false)
	if advice == "" {
		return ""
	}
	return strings.TrimSpace(strings.ToUpper(advice[:1]) + advice[1:] + " " + command)
}
