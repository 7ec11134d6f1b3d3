package sandbox

import "net/http"

// protectedReads are reads that only a good token may make: a GET of the path, and
// a POST of a JSON object to it. No document names any; these stand for whatever
// an account may read.
func protectedReads(path string, rules []rule, answer func(*call) reply) []route {
	common := append([]rule{noQuery, bearerForm()}, rules...)
	return []route{
		{
			op:      OpVerify,
			pattern: "GET " + path,
			rules:   append([]rule{noBody}, common...),
			owner:   tokenOwner,
			answer:  answer,
		},
		{
			op:      OpVerify,
			pattern: "POST " + path,
			rules:   append([]rule{anyObject}, common...),
			owner:   tokenOwner,
			answer:  answer,
		},
	}
}

// anyObject is a JSON object of plain values.
func anyObject(c *call) {
	header("Content-Type", "application/json")(c)
	if _, ok := flatFields(c.body); !ok {
		c.violate("the body is not a JSON object with each field once")
	}
}

// protectedAnswer is a list to a good token, and refused to any other.
func protectedAnswer(refused reply) func(*call) reply {
	return func(c *call) reply {
		t := c.issued(c.upstream, bearer(c.r))
		if t == nil || !t.alive(c.now()) || c.account == nil {
			return refused
		}
		return reply{status: http.StatusOK, body: []any{map[string]any{"id": 1}}}
	}
}
