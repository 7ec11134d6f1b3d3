package engine_test

import (
	"fmt"
	"slices"
	"strings"
)

// drawing is a configuration as a walk draws it.
type drawing struct {
	project  string
	formerly []string
	sinks    []drawnSink
	accounts []*drawnAccount
	moved    [][2]string
}

// drawnSink is a sink block, and which server it leads to.
type drawnSink struct{ label, server string }

// drawnAccount is an account, or an instance of block shops. What it is to people, and
// to the upstream, is its user; the address is a label.
type drawnAccount struct {
	address, user, password string
	deletes                 bool
	deliveries              []drawnDelivery
}

type drawnDelivery struct {
	sink, path, look string
	adopt, merge     bool
	keys             []string
}

const shops = "shops["

// firstDrawing has a sink of each server, and two accounts.
func firstDrawing() *drawing {
	d := &drawing{project: "p0"}
	for _, name := range walkServers {
		d.sinks = append(d.sinks, drawnSink{name, name})
	}
	for i, address := range []string{"a", "b"} {
		d.accounts = append(d.accounts, &drawnAccount{
			address: address, user: "u" + address, password: "pw",
			deliveries: []drawnDelivery{{sink: "main", path: walkPaths[i], keys: []string{"K1"}}},
		})
	}
	return d
}

func (d *drawing) clone() *drawing {
	c := *d
	c.formerly, c.sinks, c.moved, c.accounts = slices.Clone(
		d.formerly,
	), slices.Clone(
		d.sinks,
	), slices.Clone(
		d.moved,
	), nil
	for _, a := range d.accounts {
		b := *a
		b.deliveries = slices.Clone(a.deliveries)
		c.accounts = append(c.accounts, &b)
	}
	return &c
}

// String is short.
func (d *drawing) String() string {
	var all []string
	for _, a := range d.accounts {
		s := a.address + "=" + a.user
		if a.password != "pw" {
			s += " " + a.password
		}
		for _, to := range a.deliveries {
			s += " " + d.placeOf(to)
			if to.merge {
				s += fmt.Sprint(to.keys)
			}
		}
		all = append(all, s)
	}
	return fmt.Sprint(strings.Join(all, ", "), " ", d.moved)
}

// hcl writes the configuration.
func (d *drawing) hcl() string {
	var b strings.Builder
	fmt.Fprintf(&b, "credsync {\n  project = %q\n  formerly = [%s]\n}\n%s", d.project, quoted(d.formerly), stateSink)
	for _, s := range d.sinks {
		fmt.Fprintf(&b, "sink \"memory\" %q { name = %q }\n", s.label, s.server)
	}
	for _, m := range d.moved {
		b.WriteString(movedBlock(m[0], m[1]))
	}
	var instances []*drawnAccount
	for _, a := range d.accounts {
		if strings.HasPrefix(a.address, shops) {
			instances = append(instances, a)
			continue
		}
		fmt.Fprintf(&b, "account \"fake\" %q {\n  user = %q\n  password = %q\n  on_remove = %q\n", a.address, a.user, a.password, onRemove(a.deletes))
		for _, to := range a.deliveries {
			b.WriteString(to.hcl(fmt.Sprintf("%q", to.path)))
		}
		b.WriteString("}\n")
	}
	if len(instances) > 0 {
		b.WriteString(shopsBlock(instances))
	}
	return b.String()
}

// shopsBlock writes the instances of block shops, which differ in little.
func shopsBlock(instances []*drawnAccount) string {
	var b strings.Builder
	b.WriteString("account \"fake\" \"shops\" {\n  for_each = {\n")
	for _, a := range instances {
		key := strings.TrimSuffix(strings.TrimPrefix(a.address, shops), "]")
		fmt.Fprintf(&b, "    %s = { user = %q, password = %q, path = %q }\n", key, a.user, a.password, a.deliveries[0].path)
	}
	fmt.Fprintf(&b, "  }\n  user = each.value.user\n  password = each.value.password\n  on_remove = %q\n", onRemove(instances[0].deletes))
	b.WriteString(instances[0].deliveries[0].hcl("each.value.path") + "}\n")
	return b.String()
}

func (to drawnDelivery) hcl(path string) string {
	var data []string
	for _, k := range to.keys {
		data = append(data, k+" = token.access_token")
	}
	look := ""
	if to.look != "" {
		look = fmt.Sprintf("    look = %q\n", to.look)
	}
	return fmt.Sprintf("  deliver \"memory\" %q {\n    path = %s\n    adopt = %t\n    merge = %t\n%s    data = { %s }\n  }\n",
		to.sink, path, to.adopt, to.merge, look, strings.Join(data, ", "))
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

// normalise gives the instances of block shops what they have in common, and takes out
// the moved blocks that cannot stand any more.
func (d *drawing) normalise() {
	var first *drawnAccount
	for _, a := range d.accounts {
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
	d.moved = slices.DeleteFunc(d.moved, func(m [2]string) bool {
		exchange := slices.Contains(d.moved, [2]string{m[1], m[0]})
		return !exchange && d.at(m[0]) != nil || exchange && (d.at(m[0]) == nil || d.at(m[1]) == nil)
	})
}

// valid reports whether the configuration can be: addresses are unique, and places
// are shared only by merging different keys into them.
func (d *drawing) valid() bool {
	addresses, users := map[string]bool{}, map[string]bool{}
	taken, whole := map[string]map[string]bool{}, map[string]bool{}
	for _, a := range d.accounts {
		if addresses[a.address] || users[a.user] {
			return false
		}
		addresses[a.address], users[a.user] = true, true
		mine := map[string]bool{}
		for _, to := range a.deliveries {
			at := d.placeOf(to)
			if mine[at] || taken[at] != nil && (whole[at] || !to.merge) {
				return false
			}
			mine[at], whole[at] = true, !to.merge
			if taken[at] == nil {
				taken[at] = map[string]bool{}
			}
			for _, k := range to.keys {
				if taken[at][k] {
					return false
				}
				taken[at][k] = true
			}
		}
	}
	return true
}

// placeOf is the server and the path that a deliver block leads to.
func (d *drawing) placeOf(to drawnDelivery) string {
	for _, s := range d.sinks {
		if s.label == to.sink {
			return s.server + "/" + to.path
		}
	}
	return ""
}

func (d *drawing) at(address string) *drawnAccount {
	for _, a := range d.accounts {
		if a.address == address {
			return a
		}
	}
	return nil
}

func (d *drawing) user(name string) *drawnAccount {
	for _, a := range d.accounts {
		if a.user == name {
			return a
		}
	}
	return nil
}

// wanted is who delivers to a place, and how; key "" stands for any.
func (d *drawing) wanted(place, key string) (by []*drawnAccount, how []drawnDelivery) {
	for _, a := range d.accounts {
		for _, to := range a.deliveries {
			if d.placeOf(to) == place && (key == "" || slices.Contains(to.keys, key)) {
				by, how = append(by, a), append(how, to)
			}
		}
	}
	return by, how
}

// partner is the address with which one is exchanged.
func (d *drawing) partner(address string) string {
	for _, m := range d.moved {
		if m[0] == address && slices.Contains(d.moved, [2]string{m[1], m[0]}) {
			return m[1]
		}
	}
	return ""
}

// sources are the records that the account at an address may go on with: its own first,
// then those that moved blocks and former projects name.
func (d *drawing) sources(address string) []string {
	chain := []string{address}
	for i := 0; i < len(chain); i++ {
		for _, m := range d.moved {
			if m[1] == chain[i] && !slices.Contains(chain, m[0]) && d.partner(m[0]) == "" {
				chain = append(chain, m[0])
			}
		}
	}
	var all []string
	for _, p := range append([]string{d.project}, d.formerly...) {
		for _, a := range chain {
			all = append(all, p+"/account.fake."+a)
		}
	}
	return all
}
