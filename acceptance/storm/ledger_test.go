package storm

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/credsync/credsync/testkit/faultproxy"
)

// ledger is what went over the wire, and what it says of the promises. It is
// kept by the proxies, so nothing of it rests on what credsync says.
type ledger struct {
	mu       sync.Mutex
	accounts map[string]account
	epoch    int
	// decided are the accounts whose login or refresh had its answer, whole, by
	// epoch: a token, or for a login a rejection. Nothing may follow.
	decided map[string]map[int]string
	// newest is the last token that reached the client whole.
	newest map[string]issued
	// verified are the tokens that the upstream confirmed, with the answer
	// reaching the client.
	verified map[string]bool
	// processed counts logins that the upstream worked on, by account and run.
	processed map[string]int
	broken    map[string]bool
	// history is what happened to each account, in order, for whoever has to
	// find out why a promise was broken.
	history map[string][]string

	logins, refreshes, lost int
}

type issued struct{ access, refresh string }

func newLedger(list []account) *ledger {
	l := &ledger{
		accounts: map[string]account{}, decided: map[string]map[int]string{}, newest: map[string]issued{},
		verified: map[string]bool{}, processed: map[string]int{}, broken: map[string]bool{},
		history: map[string][]string{},
	}
	for _, a := range list {
		l.accounts[a.key] = a
		l.decided[a.key] = map[int]string{}
	}
	return l
}

// note adds to an account's history. The caller holds the lock.
func (l *ledger) note(key, format string, args ...any) {
	l.history[key] = append(l.history[key], time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// operated notes what was done at a sink.
func (l *ledger) operated(key, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(key, format, args...)
}

// historyText tells an account's history.
func (l *ledger) historyText(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.history[key], "\n\t")
}

// short tells tokens apart in a history; these are the sandbox's.
func short(token string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(token)))[:8]
}

// violate notes that a promise was broken.
func (l *ledger) violate(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken[fmt.Sprintf(format, args...)] = true
}

func (l *ledger) violations() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.broken))
}

// nextEpoch is called when all tokens have become due again, while nobody is at
// work.
func (l *ledger) nextEpoch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
}

// operation is what an exchange with an upstream is for.
func operation(x *faultproxy.Exchange) string {
	switch {
	case strings.HasSuffix(x.Path, "/refresh_token"), strings.Contains(string(x.Body), "grant_type=refresh_token"):
		return "refresh"
	case x.Method == http.MethodPost:
		return "login"
	case strings.HasSuffix(x.Path, "/public-key"):
		return "key"
	}
	return "verify"
}

// saw takes in an exchange with an upstream.
func (l *ledger) saw(x *faultproxy.Exchange) {
	op := operation(x)
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[x.Whose]
	l.note(a.key, "%s%s %s: fault %q, status %d, token %s", x.Header.Get("X-Run"), x.Header.Get("Proxy-Authorization"), op, x.Fault, x.Status, short(tokenOf(x.Answer).access))
	ok := x.Intact() && x.Status < 300
	switch op {
	case "verify":
		if token, found := strings.CutPrefix(x.Header.Get("Authorization"), "Bearer "); found && ok {
			l.verified[token] = true
		}
		return
	case "login", "refresh":
	default:
		return
	}
	l.sawAuthentication(a, op, x)
	if !ok {
		if x.Processed && x.Status < 300 {
			l.lost++
		}
		return
	}
	token := tokenOf(x.Answer)
	l.newest[a.key] = token
	if a.provider == "bereke" || a.provider == "astana_plat" {
		// Their documents have no read: the answer is the verification.
		l.verified[token.access] = true
	}
}

// maxAttempts is the default of http.max_attempts.
const maxAttempts = 4

// sawAuthentication checks P1, P4, P7 and P8: once an answer has reached the
// client whole there is nothing to ask for any more.
func (l *ledger) sawAuthentication(a account, op string, x *faultproxy.Exchange) {
	if op == "login" {
		l.logins++
	} else {
		l.refreshes++
	}
	if what := l.decided[a.key][l.epoch]; what != "" {
		l.broken[fmt.Sprintf("%s: a %s in epoch %d, though it had %s", a.address(), op, l.epoch, what)] = true
	}
	if op == "login" && x.Processed {
		run := fmt.Sprintf("%s run %s", a.address(), x.Header.Get("X-Run")+x.Header.Get("Proxy-Authorization"))
		l.processed[run]++
		most := 1
		if a.provider == "sagi" || a.provider == "astana_plat" {
			// Their documents have a login sent again after some answers.
			most = maxAttempts
		}
		if n := l.processed[run]; n > most {
			l.broken[fmt.Sprintf("%s: %d logins that the upstream processed in one run", run, n)] = true
		}
	}
	switch {
	case !x.Intact():
	case x.Status < 300:
		l.decided[a.key][l.epoch] = "its token"
	case op == "login":
		// The same credentials are never tried again, in no epoch.
		for epoch := l.epoch; epoch < l.epoch+10; epoch++ {
			l.decided[a.key][epoch] = "its rejection"
		}
	}
}

// tokenOf finds the tokens in an upstream's answer.
func tokenOf(answer []byte) issued {
	type fields struct {
		AccessToken  string `json:"access_token"`
		Token        string `json:"token"`
		RefreshToken string `json:"refresh_token"`
	}
	var v struct {
		fields
		Data fields `json:"data"`
	}
	_ = json.Unmarshal(answer, &v)
	access := v.AccessToken + v.Token + v.Data.AccessToken + v.Data.Token
	return issued{access: access, refresh: v.RefreshToken}
}

// writes checks P2: nobody's target may get a token that was not confirmed.
func (l *ledger) writes(target, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.verified[token] {
		l.broken[fmt.Sprintf("%s was given a token that no verification confirmed", target)] = true
	}
}
