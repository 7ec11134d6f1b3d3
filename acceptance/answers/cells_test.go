package answers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// statuses are those that are registered or in use somewhere, and some that are not.
var statuses = slices.Concat(
	[]int{101, 102, 103, 199},
	[]int{200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 299},
	between(300, 308),
	between(400, 426), []int{428, 429, 431, 451, 499},
	between(500, 511), between(520, 530), []int{598, 599},
)

// named are the statuses that one of the documents gives a meaning.
var named = []int{200, 400, 401, 403, 404, 422, 429, 500, 503}

func between(first, last int) []int {
	var all []int
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

// content is what a body says.
type content string

const (
	nothing  content = "nothing"
	words    content = "text"
	page     content = "page"
	token    content = "the token"
	refusal  content = "the documented refusal"
	tryAgain content = "try again"
	inner    content = "a refusal inside"
	other    content = "another object"
	// echoed repeats what was sent, in the documented field for a message.
	echoed content = "what was sent"
)

// form is how a body is written, and sent.
type form string

const (
	plain        form = "as documented"
	marked       form = "with a byte order mark"
	asHTML       form = "called HTML"
	asText       form = "called text"
	windows1251  form = "in windows-1251"
	undeclared   form = "in windows-1251, not declared"
	half         form = "cut short"
	broken       form = "broken off"
	encodedNone  form = "with Content-Encoding none"
	encodedXGzip form = "with Content-Encoding x-gzip"
	mislabelled  form = "with a wrong Content-Encoding"
	waitASecond  form = "with Retry-After"
	waitUnclear  form = "with an unreadable Retry-After"
)

// body is one kind of bodies.
type body struct {
	content content
	form    form
}

// bodies are all kinds.
var bodies = slices.Concat(
	[]body{{nothing, plain}, {nothing, waitASecond}, {nothing, waitUnclear}},
	[]body{{words, plain}, {words, windows1251}, {words, undeclared}},
	[]body{{page, asHTML}, {page, plain}, {page, marked}},
	inForms(token), inForms(refusal),
	[]body{{tryAgain, plain}, {tryAgain, marked}, {inner, plain}, {other, plain}},
)

// bodiesOf are those that an answer with a status may have.
func bodiesOf(status int) []body {
	if !hasBody(status) {
		return bodies[:1]
	}
	return bodies
}

func inForms(c content) []body {
	var all []body
	for _, f := range []form{plain, marked, asHTML, asText, windows1251, undeclared, half, broken, encodedNone,
		encodedXGzip, mislabelled} {
		all = append(all, body{c, f})
	}
	return all
}

// cell is one answer to one operation in one situation.
type cell struct {
	up        *upstreamKind
	situation situation
	status    int
	body      body
	// noise is what goes wrong besides.
	noise noise
}

// noise is what happens to an answer on its way.
type noise struct {
	delay time.Duration
	// lost answers do not begin, or begin after patience has ended.
	lost bool
	// headers come with the answer.
	headers map[string]string
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %s: %d, %s %s", c.up.name, c.situation.name, c.status, c.body.content, c.body.form)
}

// written is a body as it goes over the wire, with what is said of it.
type written struct {
	contentType, encoding, retryAfter string
	noise                             noise
	bytes                             []byte
	// cut is how many bytes of it are announced and not sent.
	cut int
}

// write writes the answer of a cell to a request, with that token.
func (c cell) write(token, sent string, w *world) written {
	text, contentType := c.text(token, w), "application/json"
	if c.body.content == echoed {
		text = c.up.echo(sent)
	}
	out := written{contentType: contentType, bytes: []byte(text), noise: c.noise}
	switch c.body.form {
	case marked:
		out.bytes = append([]byte("\xef\xbb\xbf"), out.bytes...)
	case asHTML:
		out.contentType = "text/html; charset=utf-8"
	case asText:
		out.contentType = "text/plain"
	case windows1251:
		out.contentType, out.bytes = contentType+"; charset=windows-1251", cyrillic(text)
	case undeclared:
		out.bytes = cyrillic(text)
	case half:
		out.bytes = out.bytes[:len(out.bytes)/2]
	case broken:
		out.cut = len(out.bytes) - len(out.bytes)/2
		out.bytes = out.bytes[:len(out.bytes)/2]
	case encodedNone:
		out.encoding = "none"
	case encodedXGzip:
		out.encoding, out.bytes = "x-gzip", compressed(out.bytes)
	case mislabelled:
		out.encoding = "gzip"
	case waitASecond:
		out.retryAfter = "1"
	case waitUnclear:
		out.retryAfter = "1.5"
	}
	if c.body.content == words {
		out.contentType = strings.Replace(out.contentType, "application/json", "text/plain", 1)
	}
	return out
}

func (c cell) text(value string, w *world) string {
	switch c.body.content {
	case words:
		return "Сервис временно недоступен"
	case page:
		return "<!DOCTYPE html>\n<html><head><title>Вход</title></head><body>Unauthorized</body></html>"
	case token:
		return c.up.good(c.situation.op, c.status, value, w.Now())
	case refusal:
		return c.up.refusal(c.status)
	case tryAgain:
		return c.up.tryAgain(c.status)
	case inner:
		if c.up.inner != "" {
			return c.up.inner
		}
		return `{"code":401}`
	case other:
		return `{"ok":true}`
	}
	return ""
}

// cyrillic writes a text in windows-1251. That it has the Russian letters in their order
// is all that is needed of it.
func cyrillic(text string) []byte {
	var out []byte
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r >= 'А' && r <= 'я':
			out = append(out, byte(r-'А')+0xc0)
		default:
			panic("no letter of this table")
		}
	}
	return out
}

func compressed(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}
