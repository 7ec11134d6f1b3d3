package described

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
)

// expiryOutput is the output that has the end of a static token. The token itself has
// none: nothing that runs by itself could replace it in time.
const expiryOutput = "expires_at"

// remindAhead is how long before the end of a static token a person is told.
const remindAhead = 14 * 24 * time.Hour

// datedToken is what the configuration says of a static token's age.
type datedToken struct {
	expiresAt   time.Time
	remindAfter time.Duration
	// attribute is the one that has the token; may be empty.
	attribute string
}

// ends is when the token ends by the configuration and by what the upstream said of it;
// zero where neither does. What was said of other credentials does not count.
func (d *datedToken) ends(seen providers.Seen) time.Time {
	if seen.FirstAt.IsZero() {
		return d.expiresAt
	}
	text, _ := seen.Outputs[expiryOutput].(string)
	said, _ := upstream.RFC3339(text)
	return upstream.Earlier(d.expiresAt, said)
}

// Clocks is providers.Timekeeper's: the dates of the client certificate, and those of a
// static token.
func (p *core) Clocks(seen providers.Seen) []providers.Clock {
	return append(p.certificate.Clocks(), p.tokenClocks(seen)...)
}

// tokenClocks are the age of a static token, and when a person has to replace it.
func (p *core) tokenClocks(seen providers.Seen) []providers.Clock {
	if p.dated == nil {
		if p.Static == nil || seen.FirstAt.IsZero() {
			return nil
		}
		return []providers.Clock{{Name: providers.StaticToken, Since: seen.FirstAt}}
	}
	at := p.dated.ends(seen)
	if p.dated.remindAfter > 0 && !seen.FirstAt.IsZero() {
		at = upstream.Earlier(at, seen.FirstAt.Add(p.dated.remindAfter))
	}
	if seen.FirstAt.IsZero() && at.IsZero() {
		return nil
	}
	return []providers.Clock{{Name: providers.StaticToken, Since: seen.FirstAt, At: at, Human: !at.IsZero()}}
}

// inspect finds that a token has ended, is about to, or is old. Only the configuration's
// own word blocks: what the upstream said may be of the token before.
func (d *datedToken) inspect(now time.Time, seen providers.Seen) []providers.Finding {
	advice := "Create a new one at the upstream, and put it into the configuration."
	if d.attribute != "" {
		advice = "Create a new one at the upstream, and set " + d.attribute + " to it."
	}
	ends := d.ends(seen)
	date := ends.UTC().Format(time.DateOnly)
	switch {
	case !d.expiresAt.IsZero() && !now.Before(d.expiresAt):
		return []providers.Finding{{
			Blocked: failure.CredentialsRejected, Summary: "The token has expired",
			Detail:    fmt.Sprintf("By expires_at it ended on %s. %s", d.expiresAt.UTC().Format(time.DateOnly), advice),
			Attribute: d.attribute,
		}}
	case !ends.IsZero() && !now.Before(ends):
		return []providers.Finding{{
			Summary: "The token has expired", Detail: fmt.Sprintf("The upstream said that it ends on %s. %s", date, advice), Attribute: d.attribute,
		}}
	case !ends.IsZero() && ends.Sub(now) <= remindAhead:
		return []providers.Finding{{
			Summary: "The token expires soon", Detail: fmt.Sprintf("It ends on %s. %s", date, advice), Attribute: d.attribute,
		}}
	case d.remindAfter > 0 && !seen.FirstAt.IsZero() && now.Sub(seen.FirstAt) > d.remindAfter:
		return []providers.Finding{{
			Summary: "The token is due for replacement",
			Detail: fmt.Sprintf("It was first used %d days ago, on %s. %s",
				int(now.Sub(seen.FirstAt).Hours()/24), seen.FirstAt.UTC().Format(time.DateOnly), advice),
			Attribute: d.attribute,
		}}
	}
	return nil
}
