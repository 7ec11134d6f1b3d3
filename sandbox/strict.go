package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// rule notes a violation where the request breaks it. It never quotes a value.
type rule func(*call)

// header must be there exactly once with a value that matches.
func header(name, pattern string) rule {
	re := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(c *call) {
		values := c.r.Header.Values(name)
		if len(values) != 1 || !re.MatchString(values[0]) {
			c.violate("the header %s is missing, repeated or malformed", name)
		}
	}
}

// noHeader must not be there.
func noHeader(name string) rule {
	return func(c *call) {
		if len(c.r.Header.Values(name)) > 0 {
			c.violate("the header %s must not be sent", name)
		}
	}
}

// bearerForm is an Authorization header with a bearer token.
func bearerForm() rule { return header("Authorization", `Bearer [!-~]+`) }

// noQuery is for requests whose document shows none: a secret in a query ends
// up in access logs.
func noQuery(c *call) {
	if c.r.URL.RawQuery != "" || c.r.URL.ForceQuery {
		c.violate("the URL has a query")
	}
}

func noBody(c *call) {
	if len(c.body) > 0 {
		c.violate("the body is not empty")
	}
	// A chunked body of no chunks is empty too, but some servers wait for it.
	if len(c.r.TransferEncoding) > 0 {
		c.violate("an empty body is sent with an unknown length")
	}
	noHeader("Content-Type")(c)
}

// jsonBody must be one JSON object of non-empty strings: the required ones,
// perhaps the optional ones, and no others.
func jsonBody(required, optional []string) rule {
	return func(c *call) {
		contentType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
		if contentType != "application/json" {
			c.violate("the Content-Type is not application/json")
		}
		fields, ok := stringFields(c.body)
		if !ok {
			c.violate("the body is not a JSON object of strings with each field once")
			return
		}
		for _, name := range required {
			if fields[name] == "" {
				c.violate("the body has no field %q", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			switch {
			case slices.Contains(required, name):
			case !slices.Contains(optional, name):
				c.violate("the body has a field that is not documented")
			case fields[name] == "":
				c.violate("the optional field %q is empty", name)
			}
		}
	}
}

// stringFields reads a JSON object of strings.
func stringFields(body []byte) (map[string]string, bool) {
	fields, ok := flatFields(body)
	texts := map[string]string{}
	for name, value := range fields {
		text, isString := value.(string)
		if !isString {
			return nil, false
		}
		texts[name] = text
	}
	return texts, ok
}

// flatFields reads a JSON object of strings, numbers (as json.Number), bools
// and nulls. It goes token by token, since a map would hide a field that is
// given twice.
func flatFields(body []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	fields := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		value, err := d.Token()
		_, nested := value.(json.Delim)
		_, twice := fields[name.(string)]
		if err != nil || nested || twice {
			return nil, false
		}
		fields[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return fields, err == io.EOF
}

// bearer returns the token of the Authorization header, or "".
func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// presented returns the access token that the request carries, in whichever of the
// documented ways; "" for none.
func presented(r *http.Request) string {
	if token := r.Header.Get("PRIVATE-TOKEN"); token != "" {
		return token
	}
	if token := bearer(r); token != "" {
		return token
	}
	return r.Header.Get("Authorization")
}

// form returns the fields of a form's body; nil if it is none, or has a field
// twice.
func form(body []byte) map[string]string {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	fields := make(map[string]string, len(values))
	for name, v := range values {
		if len(v) != 1 {
			return nil
		}
		fields[name] = v[0]
	}
	return fields
}

// formBody must be a form with exactly the fields that want returns for it,
// each once and none of them empty.
func formBody(want func(fields map[string]string) []string) rule {
	return func(c *call) {
		contentType, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
		if contentType != "application/x-www-form-urlencoded" {
			c.violate("the Content-Type is not application/x-www-form-urlencoded")
		}
		fields := form(c.body)
		if fields == nil {
			c.violate("the body is not a form with each field once")
			return
		}
		names := want(fields)
		for _, name := range names {
			if fields[name] == "" {
				c.violate("the body has no field %q", name)
			}
		}
		for name := range fields {
			if !slices.Contains(names, name) {
				c.violate("the body has a field that is not documented for this request")
			}
		}
	}
}
