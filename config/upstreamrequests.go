package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// readRequest is a request whose response block is not read yet.
type readRequest struct {
	described.Request
	content *hcl.BodyContent
}

// request reads a request block. What a login sends is kept for what follows from it.
func (r *upstreamReader) request(b *hcl.Block, s stage, login bool) readRequest {
	content, v := r.read(b, r.table("login", "request"))
	q := readRequest{content: content}
	q.Label, q.Method, q.Place = b.Labels[0], v.String("method"), convertRange(b.DefRange).String()
	q.ContentType = v.String("content_type")
	q.Counts = v.Bool("counts") || login && !v.IsSet("counts")
	q.When = r.expr(content, "when", overSelf, cty.Bool)
	secrets := v.Bool("secrets_in_url")
	q.Path, q.URL = r.address(content, "path", s), r.address(content, "url", s)
	q.URLAttribute = hostAttribute(content.Attributes["url"])
	q.PathParams = r.inPath(content, s)
	q.Query = r.inURL(content, "query", s, secrets)
	q.QueryOrder = namesInOrder(content.Attributes["query"])
	q.Header = r.values(content, "header", s)
	q.JSON, q.Form = r.expr(content, "json", s, cty.DynamicPseudoType), r.values(content, "form", s)
	q.Text = r.expr(content, "text", s, cty.String)
	q.Bearer = r.expr(content, "bearer", s, cty.String)
	q.Username, q.Password = r.expr(content, "username", s, cty.String), r.expr(content, "password", s, cty.String)
	r.checkRequest(content, b, q)
	for _, x := range q.expressions() {
		if login {
			r.sends = append(r.sends, x)
		} else {
			r.takes = append(r.takes, x)
		}
	}
	return q
}

// expressions are all that decide what is sent.
func (q readRequest) expressions() []schema.Expr {
	list := q.Expressions()
	if q.When != nil {
		list = append(list, q.When)
	}
	return list
}

// checkRequest compares the arguments of a request with each other.
func (r *upstreamReader) checkRequest(content *hcl.BodyContent, b *hcl.Block, q readRequest) {
	has := func(name string) bool { return content.Attributes[name] != nil }
	switch {
	case has("path") == has("url"):
		r.error(b.DefRange, "Missing address", "A request needs exactly one of path and url.")
	case has("url") && has("path_params"):
		r.error(content.Attributes["path_params"].Range, "Contradictory arguments", "path_params belongs to path. With url, put the values into the URL itself.")
	case (has("json") && has("form")) || (has("text") && (has("json") || has("form"))):
		r.error(b.DefRange, "More than one body", "Only one of json, form and text can be set.")
	case has("content_type") && !has("text"):
		r.error(content.Attributes["content_type"].Range, "Contradictory arguments", "content_type belongs to text. For json and form it is known.")
	case has("text") && !has("content_type"):
		r.error(content.Attributes["text"].Range, "Missing required argument", "The argument \"content_type\" is required with text.")
	case has("username") != has("password"):
		r.error(b.DefRange, "Missing required argument", "username and password go together: set both.")
	case has("bearer") && has("username"):
		r.error(b.DefRange, "Contradictory arguments", "bearer and username both set the header Authorization. Keep one of them.")
	case (has("json") || has("form") || has("text")) && (q.Method == "GET" || q.Method == "HEAD"):
		r.error(b.DefRange, "Request with a body", fmt.Sprintf("A %s request has no body. Set method = \"POST\", or use query.", q.Method))
	}
	r.checkPath(content)
	r.checkHeaderNames(content.Attributes["header"])
}

var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([A-Za-z_][A-Za-z0-9_-]*)\}`) })

// checkPath compares the placeholders of a literal path with the literal names of its
// values.
func (r *upstreamReader) checkPath(content *hcl.BodyContent) {
	a := content.Attributes["path"]
	if a == nil {
		return
	}
	path, ok := literalText(a.Expr)
	if !ok {
		return
	}
	text := path.AsString()
	if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "?#") {
		r.error(a.Expr.Range(), "Invalid path", "A path starts with \"/\" and has no query or fragment; use query for parameters.")
		return
	}
	params := namesInOrder(content.Attributes["path_params"])
	for _, match := range placeholder().FindAllStringSubmatch(text, -1) {
		if !slices.Contains(params, match[1]) && (len(params) > 0 || content.Attributes["path_params"] == nil) {
			r.error(a.Expr.Range(), "Missing path parameter", fmt.Sprintf("The path has {%s}, but path_params has no %q.", match[1], match[1]))
		}
	}
	for _, name := range params {
		if !strings.Contains(text, "{"+name+"}") {
			r.error(content.Attributes["path_params"].Expr.Range(), "Unused path parameter", fmt.Sprintf("path_params has %q, but the path has no {%s}.", name, name))
		}
	}
}

// checkHeaderNames refuses a secret in the name of a header.
func (r *upstreamReader) checkHeaderNames(a *hcl.Attribute) {
	if a == nil {
		return
	}
	pairs, problems := hcl.ExprMap(a.Expr)
	if problems.HasErrors() {
		return
	}
	names := &upstreamNames{stage: stage{roots: upstreamRoots}, r: r}
	for _, pair := range pairs {
		if v, _ := pair.Key.Value(names.unknowns()); v.IsMarked() {
			r.error(pair.Key.Range(), "Sensitive value not allowed here", "The name of a header must not be sensitive; only its value may be.")
		}
	}
}

// address is a path or a URL, which are shown: nothing in them may be a secret or come
// from an answer.
func (r *upstreamReader) address(content *hcl.BodyContent, name string, s stage) schema.Expr {
	x, unknown := r.argument(content, name, s, cty.String)
	if x == nil {
		return nil
	}
	a := content.Attributes[name]
	if isSensitive(unknown) && name == "path" {
		r.error(a.Expr.Range(), "Sensitive value in a path", "A path is shown in errors and logs, so it must not be sensitive and nothing in it can come from an answer. Use path_params.")
	}
	if isSensitive(unknown) && name == "url" && !r.onlyFromAnswers(a) {
		r.error(a.Expr.Range(), "Sensitive value in a URL", "A URL is shown in errors and logs. Send the secret in the body or a header, or in query with secrets_in_url = true where the upstream requires it.")
	}
	r.checkLiteralHost(a, name)
	return x
}

// onlyFromAnswers reports whether nothing of an expression is from a sensitive attribute.
func (r *upstreamReader) onlyFromAnswers(a *hcl.Attribute) bool {
	for _, t := range references(a.Expr) {
		switch root := t.RootName(); {
		case root == "responses", root == "local" && r.inline == nil:
		case r.inline != nil && root != "token" && root != "previous" && !r.inline.isSecret(t):
		default:
			return false
		}
	}
	return true
}

// checkLiteralHost refuses a host that stands in the block and is not declared.
func (r *upstreamReader) checkLiteralHost(a *hcl.Attribute, name string) {
	text, ok := literalText(a.Expr)
	if name != "url" || !ok {
		return
	}
	u, err := url.Parse(text.AsString())
	switch {
	case err != nil || u.Host == "" || wrongBaseURL(u.Scheme+"://"+u.Host, false) != "" || u.User != nil:
		r.error(a.Expr.Range(), "Invalid url", "A URL must be absolute, begin with https:// and contain no user or password. Plain http is allowed only for loopback addresses.")
	case u.RawQuery != "" || u.Fragment != "":
		r.error(a.Expr.Range(), "Invalid url", "A URL must not contain a query or a fragment; use query for parameters.")
	case !described.HostAllowed(u.Hostname(), r.declaredHosts()):
		r.error(a.Expr.Range(), "Undeclared host", fmt.Sprintf("Secrets go to %s, which is neither the host of base_url nor one of hosts. Add it to hosts.", u.Hostname()))
	}
}

func (r *upstreamReader) declaredHosts() []string {
	hosts := slices.Clone(r.def.Hosts)
	if r.inline != nil && r.inline.baseHost != "" {
		hosts = append(hosts, r.inline.baseHost)
	}
	if u, err := url.Parse(r.def.BaseURL); err == nil && u.Host != "" {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// hostAttribute is the attribute of the account that says where a URL leads; "" where
// none does.
func hostAttribute(a *hcl.Attribute) string {
	if a == nil {
		return ""
	}
	var first hcl.Expression = a.Expr
	if template, ok := a.Expr.(*hclsyntax.TemplateExpr); ok {
		first = nil
		for _, part := range template.Parts {
			if text, ok := part.(*hclsyntax.LiteralValueExpr); ok && text.Val.Type() == cty.String {
				rest := strings.TrimPrefix(text.Val.AsString(), "https://")
				if strings.Contains(rest, "/") {
					return ""
				}
				continue
			}
			first = part
			break
		}
	}
	if first == nil {
		return ""
	}
	if wrap, ok := first.(*hclsyntax.TemplateWrapExpr); ok {
		first = wrap.Wrapped
	}
	if e, ok := first.(*hclsyntax.ScopeTraversalExpr); ok && e.Traversal.RootName() == "self" {
		name, _ := stepName(e.Traversal, 1)
		return name
	}
	return ""
}

// inPath is a map of values for the path, which errors and logs show.
func (r *upstreamReader) inPath(content *hcl.BodyContent, s stage) schema.Expr {
	x, unknown := r.argument(content, "path_params", s, cty.DynamicPseudoType)
	if x != nil && isSensitive(unknown) {
		r.error(content.Attributes["path_params"].Expr.Range(), "Sensitive value in a path", "A path is shown in errors and logs, so it must not be sensitive. Send the secret in the body, in a header or in query.")
	}
	return x
}

// inURL is a map of values that go into the address.
func (r *upstreamReader) inURL(content *hcl.BodyContent, name string, s stage, secrets bool) schema.Expr {
	x, unknown := r.argument(content, name, s, cty.DynamicPseudoType)
	if i, ok := x.(*inlineExpr); ok {
		i.refusesSecrets = !secrets
	}
	if x != nil && isSensitive(unknown) && !secrets {
		r.error(content.Attributes[name].Expr.Range(), "Sensitive value in a URL", "Proxies and servers log URLs. Send it in the body or a header, or set secrets_in_url = true where the upstream requires it.")
	}
	return x
}

// values is a map of values.
func (r *upstreamReader) values(content *hcl.BodyContent, name string, s stage) schema.Expr {
	x, unknown := r.argument(content, name, s, cty.DynamicPseudoType)
	if t := unknown.Type(); x != nil && t != cty.DynamicPseudoType && !t.IsObjectType() && !t.IsMapType() {
		r.error(content.Attributes[name].Expr.Range(), "Incorrect argument type", fmt.Sprintf("The argument %q must be a map, such as { name = value }.", name))
	}
	return x
}

// namesInOrder are the literal names of an object in the order of the source.
func namesInOrder(a *hcl.Attribute) (names []string) {
	if a == nil {
		return nil
	}
	pairs, problems := hcl.ExprMap(a.Expr)
	if problems.HasErrors() {
		return nil
	}
	for _, pair := range pairs {
		name, problems := pair.Key.Value(nil)
		if !problems.HasErrors() && name.Type() == cty.String && name.IsKnown() && !name.IsNull() {
			names = append(names, name.AsString())
		}
	}
	return names
}
