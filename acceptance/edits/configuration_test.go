//go:build acceptance

package edits

import (
	"fmt"
	"slices"
	"strings"
)

// configuration is one as a walk makes it.
type configuration struct {
	project  string
	formerly []string
	// stateIn is the server that has the state.
	stateIn  string
	sinks    []sinkBlock
	accounts []*account
	moved    [][2]string
}

// sinkBlock is a sink block, and the server that it leads to.
type sinkBlock struct{ label, server string }

// account is an account block, or an instance of the block shops. What it is to people,
// and to its upstream, is its user; the address, such as "bifit_kassa.a", is a label.
type account struct {
	address, user, password string
	deletes                 bool
	deliveries              []delivery
}

func (a *account) upstream() string { return upstreamOf(a.address) }

func upstreamOf(address string) string {
	upstream, _, _ := strings.Cut(address, ".")
	return upstream
}

// delivery is a deliver block. Its look is what a target is beside its data: the mode of
// a file, a label of a Secret.
type delivery struct {
	sink, path, look string
	adopt, merge     bool
	keys             []string
}

// shops is what the addresses of the instances of the for_each block begin with.
const shops = "bifit_kassa.shops["

const rightPassword = "right-password"

// newConfiguration has a sink of each server, and three accounts.
func newConfiguration(stateIn string) *configuration {
	c := &configuration{project: "p0", stateIn: stateIn}
	for _, server := range serverNames {
		c.sinks = append(c.sinks, sinkBlock{server, server})
	}
	for i, address := range []string{"bifit_kassa.a", "bifit_kassa.b", "astana_plat.a"} {
		c.accounts = append(c.accounts, &account{
			address: address, password: rightPassword,
			deliveries: []delivery{{sink: serverNames[2*i], path: paths[i], keys: []string{"K1"}}},
		})
	}
	return c
}

func (c *configuration) clone() *configuration {
	n := *c
	n.formerly, n.sinks, n.moved, n.accounts = slices.Clone(
		c.formerly,
	), slices.Clone(
		c.sinks,
	), slices.Clone(
		c.moved,
	), nil
	for _, a := range c.accounts {
		b := *a
		b.deliveries = slices.Clone(a.deliveries)
		n.accounts = append(n.accounts, &b)
	}
	return &n
}

// String is short.
func (c *configuration) String() string {
	var all []string
	for _, a := range c.accounts {
		s := a.address + "=" + a.user
		if a.password != rightPassword {
			s += " " + a.password
		}
		for _, to := range a.deliveries {
			s += " " + c.placeOf(to)
			if to.merge {
				s += fmt.Sprint(to.keys)
			}
		}
		all = append(all, s)
	}
	return fmt.Sprint(c.project, ": ", strings.Join(all, ", "), " ", c.moved)
}

// hcl writes the configuration.
func (c *configuration) hcl(w *world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "credsync {\n  project = %q\n  formerly = [%s]\n}\n%s", c.project, quoted(c.formerly), w.stateBlocks(c.stateIn))
	for _, s := range c.sinks {
		b.WriteString(w.sinkBlock(s.label, s.server))
	}
	for _, m := range c.moved {
		fmt.Fprintf(&b, "moved {\n  from = account.%s\n  to   = account.%s\n}\n", m[0], m[1])
	}
	var instances []*account
	for _, a := range c.accounts {
		if strings.HasPrefix(a.address, shops) {
			instances = append(instances, a)
			continue
		}
		upstream, name, _ := strings.Cut(a.address, ".")
		login := w.login(upstream, fmt.Sprintf("%q", a.user), fmt.Sprintf("%q", a.password))
		fmt.Fprintf(&b, "account %q %q {\n%s  on_remove = %q\n", upstream, name, login, onRemove(a.deletes))
		for _, to := range a.deliveries {
			b.WriteString(c.deliverBlock(to, fmt.Sprintf("%q", pathAt(c.serverOf(to), to.path))))
		}
		b.WriteString("}\n")
	}
	if len(instances) > 0 {
		b.WriteString(c.shopsBlock(w, instances))
	}
	return b.String()
}

// shopsBlock writes the instances of the block shops, which differ in little.
func (c *configuration) shopsBlock(w *world, instances []*account) string {
	var b strings.Builder
	b.WriteString("account \"bifit_kassa\" \"shops\" {\n  for_each = {\n")
	for _, a := range instances {
		key := strings.TrimSuffix(strings.TrimPrefix(a.address, shops), "]")
		to := a.deliveries[0]
		fmt.Fprintf(&b, "    %s = { user = %q, password = %q, path = %q }\n", key, a.user, a.password, pathAt(c.serverOf(to), to.path))
	}
	fmt.Fprintf(&b, "  }\n%s  on_remove = %q\n", w.login("bifit_kassa", "each.value.user", "each.value.password"), onRemove(instances[0].deletes))
	b.WriteString(c.deliverBlock(instances[0].deliveries[0], "each.value.path") + "}\n")
	return b.String()
}

func (c *configuration) deliverBlock(to delivery, path string) string {
	var data []string
	for _, k := range to.keys {
		data = append(data, k+" = token.access_token")
	}
	kind, more := kindOf(c.serverOf(to)), ""
	where := "path"
	switch kind {
	case "k8ssecret":
		where = "name"
		if to.look != "" {
			more = fmt.Sprintf("    labels = { look = %q }\n", to.look)
		}
	case "file":
		more = fmt.Sprintf("    format = endswith(%s, \".env\") ? \"dotenv\" : \"json\"\n", path)
		if to.look != "" {
			more += fmt.Sprintf("    mode = %q\n", to.look)
		}
	}
	return fmt.Sprintf("  deliver %q %q {\n    %s = %s\n    adopt = %t\n    merge = %t\n%s    data = { %s }\n  }\n",
		kind, to.sink, where, path, to.adopt, to.merge, more, strings.Join(data, ", "))
}

func onRemove(deletes bool) string {
	if deletes {
		return "delete"
	}
	return "retain"
}

func quoted(list []string) string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}

// normalise gives the instances of the block shops what they have in common, and takes
// out the moved blocks that cannot stand any more.
func (c *configuration) normalise() {
	var first *account
	for _, a := range c.accounts {
		if !strings.HasPrefix(a.address, shops) {
			continue
		}
		a.deliveries = a.deliveries[:1]
		to := &a.deliveries[0]
		to.merge = false
		if first == nil {
			first = a
			continue
		}
		of := first.deliveries[0]
		a.deletes, to.sink, to.look, to.adopt, to.keys = first.deletes, of.sink, of.look, of.adopt, of.keys
	}
	c.moved = slices.DeleteFunc(c.moved, func(m [2]string) bool {
		exchange := slices.Contains(c.moved, [2]string{m[1], m[0]})
		return !exchange && c.at(m[0]) != nil || exchange && (c.at(m[0]) == nil || c.at(m[1]) == nil)
	})
}

// valid reports whether the configuration can be: addresses are unique, and places
// are shared only by merging different keys into them.
func (c *configuration) valid() bool {
	addresses, users := map[string]bool{}, map[string]bool{}
	keysAt, whole := map[string]map[string]bool{}, map[string]bool{}
	for _, a := range c.accounts {
		if addresses[a.address] || users[a.user] {
			return false
		}
		addresses[a.address], users[a.user] = true, true
		mine := map[string]bool{}
		for _, to := range a.deliveries {
			at := c.placeOf(to)
			// Two that merge into one place could ask for different looks.
			if mine[at] || keysAt[at] != nil && (whole[at] || !to.merge) || to.merge && to.look != "" {
				return false
			}
			mine[at], whole[at] = true, !to.merge
			if keysAt[at] == nil {
				keysAt[at] = map[string]bool{}
			}
			for _, k := range to.keys {
				if keysAt[at][k] {
					return false
				}
				keysAt[at][k] = true
			}
		}
	}
	return len(c.accounts) > 0
}

func (c *configuration) serverOf(to delivery) string {
	for _, s := range c.sinks {
		if s.label == to.sink {
			return s.server
		}
	}
	return ""
}

// placeOf is the server and the path that a deliver block leads to.
func (c *configuration) placeOf(to delivery) string { return c.serverOf(to) + "/" + to.path }

func (c *configuration) at(address string) *account {
	for _, a := range c.accounts {
		if a.address == address {
			return a
		}
	}
	return nil
}

func (c *configuration) user(name string) *account {
	for _, a := range c.accounts {
		if a.user == name {
			return a
		}
	}
	return nil
}

// wanted is who delivers to a place, and how; key "" stands for any.
func (c *configuration) wanted(place, key string) (by []*account, how []delivery) {
	for _, a := range c.accounts {
		for _, to := range a.deliveries {
			if c.placeOf(to) == place && (key == "" || slices.Contains(to.keys, key)) {
				by, how = append(by, a), append(how, to)
			}
		}
	}
	return by, how
}

// partner is the address with which one is exchanged.
func (c *configuration) partner(address string) string {
	for _, m := range c.moved {
		if m[0] == address && slices.Contains(c.moved, [2]string{m[1], m[0]}) {
			return m[1]
		}
	}
	return ""
}

// sources are the records that the account at an address may go on with: its own first,
// then those that moved blocks and former projects name.
func (c *configuration) sources(address string) []string {
	chain := []string{address}
	for i := 0; i < len(chain); i++ {
		for _, m := range c.moved {
			if m[1] == chain[i] && !slices.Contains(chain, m[0]) && c.partner(m[0]) == "" {
				chain = append(chain, m[0])
			}
		}
	}
	var all []string
	for _, p := range append([]string{c.project}, c.formerly...) {
		for _, a := range chain {
			all = append(all, p+"/account."+a)
		}
	}
	return all
}
