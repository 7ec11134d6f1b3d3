package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema/address"
)

// decideTarget says what becomes of one target under the account's verdict.
func decideTarget(a *Account, v verdict, t Target) TargetDecision {
	d := TargetDecision{Place: t.Place, Sink: t.Sink, Location: t.Location, Action: None, Reason: Current}
	switch {
	case a.Unreadable != "" || v.reason == Disabled:
		d.Reason = v.reason
	case t.Removed && !a.Removed && t.Unreachable && (!t.NoSink || v.reason == UnreachableHere):
		d.Action, d.Reason, d.Message = removal(a, t)
	case t.Removed && !a.Removed && (v.action == BlockedAction || somePlaceHeldBack(a)):
		d.Reason, d.Message = Removed, "it stays until every current target has the token"
	case a.Removed || t.Removed:
		d.Action, d.Reason, d.Message = removal(a, t)
	case t.Unreadable != "":
		d.Reason, d.Message = Unreadable, t.Unreadable
	case t.Unwritable != "":
		d.Reason, d.Message = Unwritable, t.Unwritable
	case v.reason == Unwritable:
		d.Reason, d.Message = Unwritable, "it waits for the targets that cannot be written"
	case t.foreign():
		d.Action, d.Reason, d.Message = BlockedAction, TargetNotOwned, notOwnedMessage(t)
	case v.action.Contacts() && t.From != "":
		d.Action, d.Reason, d.Message = Deliver, Moved, adoptedMessage(t)
	case v.action.Contacts():
		d.Action, d.Reason, d.Message = Deliver, v.reason, adoptedMessage(t)
	case v.reason == UnreachableHere:
		// Only a place that is no longer wanted is blocked: what is wanted has the token.
	case v.action == BlockedAction && loginBlocked(a) && goodMeanwhile(a) && !a.Token.Journaled && difference(a, t) == "":
		// Only the login is blocked: what is there stays good for now.
	case v.action == BlockedAction:
		d.Action, d.Reason = BlockedAction, v.reason
	default:
		if reason := difference(a, t); reason != "" {
			d.Action, d.Reason, d.Message = Deliver, reason, adoptedMessage(t)
		} else if (v.reason == Journaled || v.reason == Imported) && v.action == Deliver && a.Token.Journaled {
			d.Action, d.Reason, d.Message = Deliver, v.reason, adoptedMessage(t)
		}
	}
	if d.Action == Deliver && t.Denied != "" {
		d.Message = strings.TrimPrefix(d.Message+"; "+t.Denied, "; ")
	}
	return d
}

// removal is what becomes of a place that the account no longer delivers to. One
// that another account delivers to is never deleted, and one that no sink leads to
// cannot be.
func removal(a *Account, t Target) (action Action, reason Reason, message string) {
	remove := a.DeleteOnRemove && !t.Wanted
	switch {
	case t.Unreadable != "":
		return None, Unreadable, t.Unreadable
	case t.Awaited:
		// What is known of the place would go with it, should its taker never come to it.
		return None, Moved, t.TakenBy + " takes it over"
	case t.Unreachable && t.NoSink && remove:
		return BlockedAction, UnreachableHere, noSinkMessage(a, t)
	case t.Unreachable && (remove || !a.Removed && !t.NoSink):
		return None, UnreachableHere, fmt.Sprintf("%s now points to another server or directory; what was delivered to %s stays as it is", t.Sink, t.Location)
	case remove && t.LeftAlone != "":
		return Forget, TargetDrifted, t.LeftAlone
	case remove:
		return Delete, Removed, ""
	case t.Wanted:
		return Forget, Moved, t.TakenBy + " delivers there now"
	}
	return Forget, Removed, ""
}

// noSinkMessage says how a target can still be deleted whose sink has gone.
func noSinkMessage(a *Account, t Target) string {
	message := fmt.Sprintf("%s %s is to be deleted, but no sink block points to it any more; declare one again, under any name, for one apply", t.Sink, t.Location)
	if a.Removed {
		message += ", or delete it by hand and run: credsync state rm " + address.ShellWord(a.Address)
	}
	return message
}

// somePlaceHeldBack reports whether a wanted target cannot get the token now: it
// belongs to someone else, or could not be looked at. Until it has it, the places
// that are no longer wanted may be all that consumers have.
func somePlaceHeldBack(a *Account) bool {
	return slices.ContainsFunc(a.Targets, func(t Target) bool {
		return !t.Removed && (t.foreign() || t.Unreadable != "" || t.Unwritable != "")
	})
}

// difference says in what a target is not as it should be with the newest
// token; "" if in nothing.
func difference(a *Account, t Target) Reason {
	switch {
	case t.Removed, t.Unreadable != "":
		return ""
	case a.Token.Imported && !t.HasToken:
		return Imported
	case t.From != "":
		return Moved
	case a.Token.Journaled && !t.HasToken:
		return Journaled
	case t.Recorded && !t.HasToken:
		return Journaled
	case !t.Exists && !t.Unseen:
		return TargetMissing
	case !t.HasToken, t.Outdated, t.Differs != "":
		return TargetChanged
	case t.Drifted:
		return TargetDrifted
	case t.RestartDue:
		return RestartDue
	}
	return ""
}

func differenceMessage(reason Reason, n int) string {
	what, have, is, was := "a target", "has", "is", "was"
	if n > 1 {
		what, have, is, was = fmt.Sprintf("%d targets", n), "have", "are", "were"
	}
	switch reason {
	case Journaled:
		return fmt.Sprintf("%s %s not received this token yet: an earlier run did not finish", what, have)
	case Moved:
		return what + " belonged to another account before"
	case TargetMissing:
		return fmt.Sprintf("%s %s missing", what, is)
	case TargetDrifted:
		return fmt.Sprintf("%s %s changed by someone else", what, was)
	case RestartDue:
		return fmt.Sprintf("workloads that read %s have not been restarted for this token", what)
	default:
		return "the content to write to " + what + " has changed"
	}
}

// adoptedMessage says whose target is taken over; "" if nobody's.
func adoptedMessage(t Target) string {
	switch {
	case t.From != "":
		return "it belonged to " + t.From
	case t.Ours:
		return t.Differs
	case t.Owner != "":
		return "it belongs to " + t.Owner + "; adopt = true takes it over"
	case t.Exists:
		return "it was not created by credsync; adopt = true takes it over"
	}
	return ""
}

func notOwnedMessage(t Target) string {
	switch {
	case t.Rival != "":
		return fmt.Sprintf("%s %s is also the target of a deliver block of %s, through another sink block or path; give each its own location, or set merge = true in both and write different keys", t.Sink, t.Location, t.Rival)
	case len(t.TakenKeys) > 0:
		return fmt.Sprintf("%s %s has %s already, which credsync did not write; set adopt = true in the deliver block to take it over, or write under another key", t.Sink, t.Location, strings.Join(t.TakenKeys, ", "))
	case t.OthersKeys:
		return fmt.Sprintf("%s %s has keys that others merge into it, which would be lost; keep merge = true in the deliver block, or set adopt = true to replace what is there", t.Sink, t.Location)
	case t.FormerProject != "":
		return fmt.Sprintf("%s %s belongs to %s; if the project was renamed, set formerly = [%q] in the credsync block, else set adopt = true in the deliver block to take it over, or deliver elsewhere", t.Sink, t.Location, t.Owner, t.FormerProject)
	case t.Owner != "":
		return fmt.Sprintf("%s %s belongs to %s; set adopt = true in the deliver block to take it over, or deliver elsewhere", t.Sink, t.Location, t.Owner)
	case t.Unguarded && !t.Exists:
		return fmt.Sprintf("%s %s is in a sink that can neither record an owner nor compare before it writes (KV version 1); set adopt = true in the deliver block to write it anyway", t.Sink, t.Location)
	case t.Unseen:
		return fmt.Sprintf("%s %s cannot be checked, so it may belong to someone else; set adopt = true in the deliver block to write it anyway", t.Sink, t.Location)
	}
	return fmt.Sprintf("%s %s was not created by credsync; set adopt = true in the deliver block to take it over, or deliver elsewhere", t.Sink, t.Location)
}
