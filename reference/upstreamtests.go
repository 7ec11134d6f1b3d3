package reference

import (
	"github.com/credsync/credsync/credtest"
	"github.com/credsync/credsync/schema"
)

// UpstreamTestsFile is the name of the page of tests of upstreams below docs/reference.
const UpstreamTestsFile = "upstream-tests.md"

// UpstreamTests is the page of the test block and of what credsync test does besides.
func UpstreamTests() []byte {
	var out page
	out.head("Tests of upstreams that you describe")
	out.line("`credsync test` tries the `upstream` blocks of a configuration, and of the directories in its `upstreams` argument, without sending anything to an upstream. It needs no variable, no secret and no state, so run it on every pull request. Its exit code is 0 if everything passed, and 1 otherwise. `--json` prints one object with `tests`, `hostile`, `unmatched`, `untested` and `diagnostics`.\n")
	out.line("Three things must hold:\n")
	out.line("- Every `test` block passes. Test blocks stand in files whose names end in `.credtest.hcl`, beside the description. Only the functions of requests are available in them. An error, a warning or a log line that shows a secret of the test fails it.")
	out.line("- Every operation withstands the [hostile answers](#hostile-answers).")
	out.line("- Every `upstream` block has a test, and every `error` block is matched by one. `try()` and `can()` hide a misspelt field, so only a test shows that a block works.\n")
	test := schema.UpstreamTestBlock()
	top := *test
	top.Blocks = nil
	out.block(2, &top)
	for _, n := range test.Blocks {
		out.block(3, &n.Block)
	}
	out.line("## Hostile answers\n")
	out.line("Each operation that has a request gets the answers below, for each of its requests in turn. None may count as rejected credentials, except a refusal that is the upstream's own. The login or refresh must not be sent a second time unless the answer proves that it was not processed, and no secret may appear in an error, a warning or the log.\n")
	for _, name := range credtest.HostileAnswers() {
		out.line("- %s", name)
	}
	return out.Bytes()
}
