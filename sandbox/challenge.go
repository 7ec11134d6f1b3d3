package sandbox

import (
	crand "crypto/rand"
	"fmt"
	"math/big"
	"time"
)

// challenge is a code that was sent to an account's owner.
type challenge struct {
	// session names it to the upstream.
	session string
	code    string
	expires time.Time
	used    bool
}

// challenge sends a code: the given one, or some of that many digits.
func (a *account) challenge(code string, digits int, expires time.Time) *challenge {
	if code == "" {
		code = randomDigits(digits)
	}
	c := &challenge{session: "5" + randomDigits(8), code: code, expires: expires}
	a.challenges = append(a.challenges, c)
	return c
}

// openChallenge returns the one of that session if it can be used; else nil.
func (a *account) openChallenge(session string, now time.Time) *challenge {
	for _, c := range a.challenges {
		if c.session == session && !c.used && now.Before(c.expires) {
			return c
		}
	}
	return nil
}

func randomDigits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := crand.Int(crand.Reader, limit)
	if err != nil {
		panic("sandbox: no random numbers: " + err.Error())
	}
	return fmt.Sprintf("%0*d", n, v)
}

// LastCode returns the last code sent to an account: what its owner reads on
// the telephone. "" means that none was.
func (s *Sandbox) LastCode(upstream, name string) string {
	return s.LastCodes()[upstream][name]
}

// LastCodes returns the last codes by upstream and account, of those accounts
// that were sent any.
func (s *Sandbox) LastCodes() map[string]map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	codes := map[string]map[string]string{}
	for _, a := range s.sorted() {
		if len(a.challenges) == 0 {
			continue
		}
		if codes[a.Upstream] == nil {
			codes[a.Upstream] = map[string]string{}
		}
		codes[a.Upstream][a.Name] = a.challenges[len(a.challenges)-1].code
	}
	return codes
}
