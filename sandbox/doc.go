// Package sandbox emulates the upstreams strictly: it answers as their
// documents say, and rejects, and counts as a protocol violation, whatever the
// real ones would reject or their documents do not allow. Each upstream is
// served below a path of its name, so its base_url is http://HOST:PORT/sagi.
//
// A test uses it in its own process ([New], [Sandbox.Start] and the methods);
// a script runs the command credsync-sandbox and uses the control API. Passwords
// and tokens here are made up, so unlike the product the sandbox holds them as
// plain strings; still it prints none. The command shows those of the demo accounts.
//
// # Control API
//
// All bodies are JSON. Errors are answered with 400 and {"error": "…"}.
//
//	GET    /_control/urls                 {"sagi": "http://127.0.0.1:1234/sagi", …}
//	GET    /_control/tls                  {"ca_pem": "…", "urls": {…}}: as served by StartTLS
//	POST   /_control/certificates         {"common_name", "not_before", "not_after"} -> {"cert_pem", "key_pem"}: a client's
//	GET    /_control/accounts             every account, as set
//	POST   /_control/accounts             add or replace one Account; its tokens stay alive
//	GET    /_control/faults               the faults that are set
//	POST   /_control/faults               add one Fault
//	DELETE /_control/faults               remove all
//	POST   /_control/revoke               {"upstream", "account"}: kill all its tokens
//	POST   /_control/tokens               {"upstream", "account"} -> every token issued to it, in order
//	POST   /_control/live                 {"upstream", "token"} -> {"live": true, "account": "…"}
//	POST   /_control/rotate_key           {}: give the bank another key pair
//	POST   /_control/clock                {"advance": "24h"} -> {"now": "…"}
//	GET    /_control/sms                  {"bifit_kassa": {"79001234567": "3021"}}: the last code sent to each account
//	GET    /_control/github_keys/4711     the private key of that installation's app, as a PEM file
//	GET    /_control/counters             {"sagi": {"shop@example.com": Counters}}
//	DELETE /_control/counters             set all to zero
//
// For example:
//
//	curl -d '{"upstream":"sagi","op":"login","kind":"status","status":503,"count":2}' $URL/_control/faults
//
// # Another upstream
//
// An upstream is a file with its routes: for each, the operation it counts as,
// the rules its request must keep, whose request it is, and what is answered.
// Add its emulator to the list in emulators, and its account's data to Account.
//
// Some upstreams here have no provider in credsync: an account describes them, by an
// upstream block, inline, or by a description that credsync comes with. They are loyalty
// (a login by JSON), veeva (a login in two steps), gitlab (a token that can be asked about
// and can replace itself) and github (a login by a signed JWT).
package sandbox
