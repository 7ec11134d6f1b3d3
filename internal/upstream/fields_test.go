package upstream_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/upstream"
)

func TestIdentifiersKeepEveryDigit(t *testing.T) {
	for _, c := range []struct {
		json, want string
		ok         bool
	}{
		{`9876543210987654321`, "9876543210987654321", true},
		{`123456789012345678901234567890`, "123456789012345678901234567890", true},
		{`"9876543210987654321"`, "9876543210987654321", true},
		{`0`, "0", true},
		{`null`, "", true},
		{`1.5`, "", false},
		{`1e3`, "", false},
		{`-1`, "", false},
		{`""`, "", false},
		{`"a1"`, "", false},
		{`"` + strings.Repeat("1", 65) + `"`, "", false},
		{`true`, "", false},
		{`{}`, "", false},
	} {
		t.Run(c.json, func(t *testing.T) {
			var w wire
			err := answer(t, "application/json", `{"id":`+c.json+`}`).JSON(&w)
			if (err == nil) != c.ok || string(w.ID) != c.want {
				t.Errorf("got %q, %v", w.ID, err)
			}
			if err != nil && !strings.Contains(err.Error(), `"id"`) {
				t.Errorf("the field is not named: %v", err)
			}
		})
	}
}

// fields are the types that never make an answer useless.
type fields struct {
	Text   upstream.Text        `json:"text"`
	Kept   upstream.KeptText    `json:"kept"`
	List   upstream.TextList    `json:"list"`
	ID     upstream.AnyID       `json:"id"`
	Number upstream.LooseNumber `json:"number"`
}

func TestFieldsThatOnlyInform(t *testing.T) {
	for _, c := range []struct {
		json string
		want fields
	}{
		{`"a"`, fields{"a", "a", "a", "a", "a"}},
		{`"12"`, fields{"12", "12", "12", "12", "12"}},
		{`12`, fields{ID: "12", Number: "12"}},
		{`1.5`, fields{Number: "1.5"}},
		{`123456789012345678901234567890`, fields{ID: "123456789012345678901234567890", Number: "123456789012345678901234567890"}},
		{`["a","b"]`, fields{List: "a b", ID: "a b", Number: `["a","b"]`}},
		{`["a",1]`, fields{Number: `["a",1]`}},
		{`null`, fields{Number: "null"}},
		{`true`, fields{Number: "true"}},
		{`{"a":"b"}`, fields{Number: `{"a":"b"}`}},
		{`""`, fields{}},
	} {
		t.Run(c.json, func(t *testing.T) {
			var got fields
			body := strings.ReplaceAll(`{"text":?,"kept":?,"list":?,"id":?,"number":?}`, "?", c.json)
			if err := answer(t, "application/json", body).JSON(&got); err != nil || got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// A document gives one of bereke's fields twice, of which one is an object.
func TestOnlyKeptTextOutlivesWhatIsNoText(t *testing.T) {
	var got fields
	body := `{"text":"a","text":{},"kept":"a","kept":{},"kept":null,"list":"a","list":1}`
	if err := answer(t, "application/json", body).JSON(&got); err != nil || got != (fields{Kept: "a"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestGiven(t *testing.T) {
	for raw, want := range map[string]bool{"": false, "null": false, "{}": true, "0": true, `""`: true} {
		if upstream.Given(json.RawMessage(raw)) != want {
			t.Errorf("%q", raw)
		}
	}
}

// FuzzFields: whatever JSON there is, these fields take it.
func FuzzFields(f *testing.F) {
	for _, seed := range []string{`"a"`, `12`, `-1e9`, `["a"]`, `null`, `{"a":[1]}`, `"\ud800"`, `""`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		var got fields
		body := strings.ReplaceAll(`{"text":?,"kept":?,"list":?,"id":?,"number":?}`, "?", value)
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Text != upstream.Text(got.Kept) {
			t.Errorf("%q is text %q once and %q once", value, got.Text, got.Kept)
		}
		if got.Text != "" && string(got.Text) != string(got.List) {
			t.Errorf("the text %q is the list %q", got.Text, got.List)
		}
	})
}
