package sandbox

import (
	"cmp"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Account is an account at one upstream.
type Account struct {
	Upstream string `json:"upstream"`
	// Name is how the control API and the counters call it; it is unique per
	// upstream. Where accounts log in by name, it is the login.
	Name string `json:"name"`
	// Password of accounts that have one.
	Password string `json:"password,omitempty"`
	// Token of accounts whose token a person puts into the configuration. At most
	// upstreams it never ends.
	Token string `json:"token,omitempty"`
	// TokenLifetime of tokens issued from now on; the upstream's documented
	// lifetime if 0.
	TokenLifetime Duration `json:"token_lifetime,omitzero"`
	// Locked accounts are answered as the upstream answers those.
	Locked bool `json:"locked,omitempty"`
	// LockAfter is how many rejected logins in a row lock the account; 0
	// means that none do.
	LockAfter int `json:"lock_after,omitempty"`

	Invoicebox *InvoiceboxAccount `json:"invoicebox,omitempty"`
	Sagi       *SagiAccount       `json:"sagi,omitempty"`
	Bereke     *BerekeAccount     `json:"bereke,omitempty"`
	BifitKassa *BifitKassaAccount `json:"bifit_kassa,omitempty"`
	AstanaPlat *AstanaPlatAccount `json:"astana_plat,omitempty"`
	Loyalty    *LoyaltyAccount    `json:"loyalty,omitempty"`
	Veeva      *VeevaAccount      `json:"veeva,omitempty"`
	Gitlab     *GitlabAccount     `json:"gitlab,omitempty"`
	Github     *GithubAccount     `json:"github,omitempty"`
}

// clone returns a copy that shares nothing with a.
func (a Account) clone() Account {
	a.Invoicebox, a.Sagi, a.Bereke = copied(a.Invoicebox), copied(a.Sagi), copied(a.Bereke)
	a.BifitKassa, a.AstanaPlat = copied(a.BifitKassa), copied(a.AstanaPlat)
	a.Loyalty, a.Veeva, a.Gitlab, a.Github = copied(a.Loyalty), copied(a.Veeva), copied(a.Gitlab), copied(a.Github)
	if c := a.Sagi; c != nil {
		c.Branches = slices.Clone(c.Branches)
	}
	if c := a.Bereke; c != nil {
		c.PossibleChains, c.Customers = slices.Clone(c.PossibleChains), slices.Clone(c.Customers)
	}
	if c := a.Gitlab; c != nil {
		c.Scopes = slices.Clone(c.Scopes)
	}
	if c := a.Github; c != nil {
		c.Permissions, c.Repositories = maps.Clone(c.Permissions), slices.Clone(c.Repositories)
	}
	return a
}

// copied returns a pointer to a copy of the value; nil for nil.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Duration is a time.Duration that JSON writes as "15m".
type Duration time.Duration

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("not a duration: use a string such as \"15m\"")
	}
	v, err := time.ParseDuration(text)
	*d = Duration(v)
	return err
}

// unknown stands in the counters for requests that belong to no account.
const unknown = "(unknown)"

// account is an Account with what happened to it. Everything is guarded by
// the sandbox's mutex.
type account struct {
	Account
	counters      Counters
	loginsRunning int
	rejectedInRow int
	// challenges are the codes that were sent, the newest last.
	challenges []*challenge
	// grants are the OAuth tokens that a session is to be had for, with their ends.
	grants map[string]time.Time
	// privateKey is of the key pair that the sandbox has made for the account.
	privateKey *rsa.PrivateKey
}

// rejected counts a rejected login, which may lock the account.
func (a *account) rejected() {
	a.rejectedInRow++
	a.Locked = a.LockAfter > 0 && a.rejectedInRow >= a.LockAfter
}

// SetAccount adds an account, or replaces the one of that name; tokens and
// counters stay.
func (s *Sandbox) SetAccount(a Account) error {
	if !slices.Contains(s.Upstreams(), a.Upstream) {
		return fmt.Errorf("unknown upstream %q; use one of %s", a.Upstream, strings.Join(s.Upstreams(), ", "))
	}
	if a.Name == "" || a.Name == unknown {
		return errors.New("set a name for the account")
	}
	if err := cmp.Or(a.BifitKassa.check(), a.Bereke.check(), a.Gitlab.check(), a.Github.check()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.account(a.Upstream, a.Name)
	known.Account = a.clone()
	known.rejectedInRow = 0
	s.registerFirst(known)
	return nil
}

// Update changes an account in place; false if there is none of that name.
func (s *Sandbox) Update(upstream, name string, change func(*Account)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[upstream][name]
	if ok {
		change(&a.Account)
	}
	return ok
}

// Accounts returns all accounts, by upstream and name.
func (s *Sandbox) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Account{}
	for _, a := range s.sorted() {
		if a.Name != unknown {
			list = append(list, a.Account.clone())
		}
	}
	return list
}

// account returns the account of that name, making it if there is none.
// Callers hold the mutex, as for all unexported methods below.
func (s *Sandbox) account(upstream, name string) *account {
	byName := s.accounts[upstream]
	if byName == nil {
		byName = map[string]*account{}
		s.accounts[upstream] = byName
	}
	a := byName[name]
	if a == nil {
		a = &account{Account: Account{Upstream: upstream, Name: name}}
		byName[name] = a
	}
	return a
}

// named returns the account of that name, or nil: none is made.
func (s *Sandbox) named(upstream, name string) *account {
	if name == unknown {
		return nil
	}
	return s.accounts[upstream][name]
}

// find returns the first account of the upstream, by name, that match accepts,
// or nil.
func (s *Sandbox) find(upstream string, match func(*account) bool) *account {
	var first *account
	for name, a := range s.accounts[upstream] {
		if name != unknown && (first == nil || name < first.Name) && match(a) {
			first = a
		}
	}
	return first
}

func (s *Sandbox) sorted() []*account {
	var list []*account
	for _, byName := range s.accounts {
		for _, a := range byName {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *account) int {
		return strings.Compare(a.Upstream+"\x00"+a.Name, b.Upstream+"\x00"+b.Name)
	})
	return list
}
