package upstream_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/credsync/credsync/failure"
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
			for name, read := range map[string]string{"text": got.Text, "list": got.List, "id": got.ID, "any_id": got.AnyID, "flag": got.Flag, "time": got.Time} {
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
			for _, s := range []string{o.Text(name), o.TextList(name), string(o.ID(name)), o.AnyID(name), o.Secret(name).Reveal()} {
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
