package upstream_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// What only informs is left out where it is in a form that is not its own, and a
// warning names it.
func TestFieldsInAnOddFormAreLeftOut(t *testing.T) {
	type fields struct{ Text, List, ID, AnyID, Flag, Time string }
	issued := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]fields{
		`"a"`:                          {Text: "a", List: "a", AnyID: "a"},
		`"12"`:                         {Text: "12", List: "12", ID: "12", AnyID: "12", Time: "12:00:12"},
		`12`:                           {ID: "12", AnyID: "12", Time: "12:00:12"},
		`1.5`:                          {Time: "12:00:01"},
		`1234567890123456789012345678`: {ID: "1234567890123456789012345678", AnyID: "1234567890123456789012345678"},
		`["a","b"]`:                    {List: "a b"},
		`["a",1]`:                      {},
		`["a",null]`:                   {},
		`["a"]`:                        {List: "a"},
		`3600`:                         {ID: "3600", AnyID: "3600", Time: "13:00:00"},
		`3601`:                         {ID: "3601", AnyID: "3601"},
		`true`:                         {Flag: "true"},
		`false`:                        {Flag: "false"},
		`"true"`:                       {Text: "true", List: "true", AnyID: "true"},
		`{"a":"b"}`:                    {},
		`"\ud800"`:                     {},
	} {
		t.Run(value, func(t *testing.T) {
			a := answer(t, "application/json", strings.ReplaceAll(`{"text":?,"list":?,"id":?,"any_id":?,"flag":?,"time":?}`, "?", value))
			o, err := a.Object()
			if err != nil {
				t.Fatal(err)
			}
			got := fields{Text: o.Text("text"), List: o.TextList("list"), ID: string(o.ID("id")), AnyID: o.AnyID("any_id")}
			if flag := o.Flag("flag"); flag != nil {
				got.Flag = fmt.Sprint(*flag)
			}
			if at := o.ExpiresIn("time", issued, time.Hour); !at.IsZero() {
				got.Time = at.Format(time.TimeOnly)
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			warned := strings.Join(a.Warnings(), "")
			for name, read := range map[string]string{"text": got.Text, "list": got.List, "id": got.ID, "any_id": got.AnyID, "flag": got.Flag,
				"time": got.Time} {
				if strings.Contains(warned, `"`+name+`"`) != (read == "") {
					t.Errorf("%s is %q, and the warning is %q", name, read, warned)
				}
			}
		})
	}
}

func TestAbsentFieldsAreNotWarnedOf(t *testing.T) {
	a := answer(t, "application/json", `{"text":null,"list":null,"object":null}`)
	o, err := a.Object()
	if err != nil {
		t.Fatal(err)
	}
	if o.Text("text") != "" || o.ID("id") != "" || o.Flag("flag") != nil || o.Len("list") != 0 || o.Object("object") != nil ||
		o.Object("object").Text("text") != "" || len(o.Objects("list")) != 0 || !o.Secret("text").IsZero() || !o.Time("text").IsZero() {
		t.Error("there is something where nothing is")
	}
	if w := a.Warnings(); w != nil {
		t.Errorf("%q", w)
	}
}

// A document gives one of bereke's fields twice, of which one is an object.
func TestOfAFieldThatIsGivenTwiceTheLastInTheRightFormCounts(t *testing.T) {
	a := answer(t, "application/json", `{"role":"a","role":"b","role":{},"role":null,"Jti":"c","list":[{"id":1},7,{"id":"x"}]}`)
	o, err := a.Object()
	if err != nil {
		t.Fatal(err)
	}
	if o.Text("role") != "b" || o.Text("jti") != "c" || a.Warnings() != nil {
		t.Errorf("%q, %q, %q", o.Text("role"), o.Text("jti"), a.Warnings())
	}
	list := o.Objects("list")
	if len(list) != 2 || list[0].ID("id") != "1" || list[1].ID("id") != "" {
		t.Errorf("%d objects", len(list))
	}
	if w := strings.Join(a.Warnings(), ""); !strings.Contains(w, `"list[1]", "list[2].id"`) {
		t.Errorf("%q", w)
	}
}

// FuzzObject: whatever an answer is, reading it ends with values that are fit to be
// kept or with an error that repeats none of it.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{`{"token":"x","id":1,"a":{"b":["c",1]}}`, `{"id":1e9}`, `{"token":null}`, `{"token":"\ud800"}`, `[`, ``, "\xef\xbb\xbf{}", "\xff\xfe{\x00", `{"a":1}{}`, `{"a":1,"a":2}`} {
		f.Add(seed, "application/json; charset=windows-1251")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, body, contentType string) {
		a := answer(t, contentType, body)
		o, err := a.Object()
		if err != nil {
			if failure.ClassOf(err) != failure.Server {
				t.Errorf("%v is not of class server", err)
			}
			return
		}
		for _, name := range []string{"token", "id", "a"} {
			for _, s := range []string{o.Text(name), o.TextList(name), string(o.ID(name)), o.AnyID(name),
				o.Secret(name).Reveal()} {
				if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
					t.Errorf("%q is not valid", s)
				}
			}
			if token, err := o.Bearer(name); err == nil && (token.IsZero() || strings.ContainsAny(token.Reveal(), " \r\n")) {
				t.Error("a header cannot carry the token")
			}
		}
		if json.Valid([]byte(body)) && o.Len("list") > len(body) {
			t.Error("a list is longer than its text")
		}
	})
}

func object(t *testing.T, body string) (*upstream.Answer, *upstream.Object) {
	t.Helper()
	a := answer(t, "application/json", body)
	o, err := a.Object()
	if err != nil {
		t.Fatal(err)
	}
	return a, o
}

func TestNamesAreLookedForLetterByLetterFirst(t *testing.T) {
	_, o := object(t, `{"TOKEN":"alike","token":"exact","Token":"alike too","Role":"a","ROLE":"b","x":1,"X":"text"}`)
	if got := []string{o.Text("token"), o.Text("Token"), o.Text("role"), o.Text("x")}; !slices.Equal(got, []string{"exact", "alike too", "b", "text"}) {
		t.Errorf("%q", got)
	}
	if !o.Has("ToKeN") || o.Has("tok") || (*upstream.Object)(nil).Has("token") {
		t.Error("a field is there or not, in any letter case")
	}
}

// Codes and texts that are judged are taken as they are, and what is none is not warned of.
func TestWhatIsJudgedIsNotWarnedOf(t *testing.T) {
	a, o := object(t, `{"number":40101,"text":"E-7","empty":"","blank":" ","none":null,"both":"","Both":"E-8","list":["a"],"flag":true}`)
	for name, want := range map[string]string{"number": "40101", "text": "E-7", "empty": "", "blank": "", "none": "", "absent": "", "both": "E-8", "flag": "true"} {
		if got := o.Code(name); got != want {
			t.Errorf("the code %s is %q", name, got)
		}
	}
	for name, want := range map[string]string{"number": "", "text": "E-7", "empty": "", "none": "", "absent": "", "list": ""} {
		if got := o.Said(name); got != want {
			t.Errorf("%s says %q", name, got)
		}
	}
	if w := a.Warnings(); w != nil {
		t.Errorf("%q", w)
	}
}

func TestListsOfIdentifiers(t *testing.T) {
	a, o := object(t, `{"ids":[1,"22",0,"x",12345678901234567890,null],"none":7}`)
	if got := o.IDs("ids"); !slices.Equal(got, []upstream.ID{"1", "22", "12345678901234567890"}) {
		t.Errorf("%q", got)
	}
	if w := strings.Join(a.Warnings(), ""); !strings.Contains(w, `"ids[3]" is not`) {
		t.Errorf("%q", w)
	}
	if o.IDs("none") != nil || o.Len("none") != 0 || o.Len("ids") != 6 {
		t.Error("a number has elements")
	}
}

func TestTimes(t *testing.T) {
	a, o := object(t, `{"at":"2026-05-01T12:00:00Z","odd":"tomorrow","number":1782863999}`)
	if at := o.Time("at"); !at.Equal(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)) || a.Warnings() != nil {
		t.Errorf("%v, %q", at, a.Warnings())
	}
	if !o.Time("odd").IsZero() || !o.Time("number").IsZero() || !strings.Contains(a.Warnings()[0], `"odd", "number"`) {
		t.Errorf("%q", a.Warnings())
	}
}

func TestSecretsAndTokens(t *testing.T) {
	a, o := object(t, `{"in":{"a":" x\r\n","blank":" ","Blank":"y","odd":7,"spaced":"x y","twice":"old","twice":"new","empty":""}}`)
	in := o.Object("in")
	for name, want := range map[string]string{"a": "x", "blank": "y", "twice": "new"} {
		if token, err := in.Bearer(name); err != nil || token.Reveal() != want {
			t.Errorf("%s: %q, %v", name, token.Reveal(), err)
		}
	}
	for name, want := range map[string]string{
		"odd": `"in.odd" has the wrong type or format`, "spaced": `"in.spaced" contains characters that are not allowed in a token`,
		"empty": `has no "in.empty"`, "absent": `has no "in.absent"`,
	} {
		token, err := in.Bearer(name)
		if e := upstreamError(t, err); !strings.Contains(e.Message, want) || !token.IsZero() ||
			e.Class != failure.Server {
			t.Errorf("%s: %+v", name, *e)
		}
	}
	if a.Warnings() != nil {
		t.Errorf("%q", a.Warnings())
	}
	if s := in.Secret("a"); s.Reveal() != "x" {
		t.Errorf("%q", s.Reveal())
	}
	if s := in.Secret("spaced"); s.Reveal() != "x y" {
		t.Errorf("%q", s.Reveal())
	}
	if s := in.Secret("odd"); !s.IsZero() || !strings.Contains(strings.Join(a.Warnings(), ""), `"in.odd"`) {
		t.Errorf("%q", a.Warnings())
	}
}

// A refusal that is no object has no fields, and can be asked for them.
func TestFieldsOfWhatIsNoObject(t *testing.T) {
	for _, body := range []string{"", "[]", "<p>", "oops"} {
		f := answer(t, "text/plain", body).Fields()
		if f.Has("error") || f.Said("error") != "" || f.Code("error") != "" || f.Object("error") != nil {
			t.Errorf("%q has fields", body)
		}
		f.LeaveOut("error")
	}
}
