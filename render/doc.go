// Package render writes everything that a command prints: results to standard
// output, diagnostics and progress to standard error. Each command has a view for
// people and one for programs, in JSON.
//
// Its input may come from an upstream or a file, so every text passes through clean
// before it reaches a terminal. Meaning never rests on colour alone: whatever is
// coloured also has a symbol or a word.
//
// How credsync speaks, in every text that a user meets:
//
//  1. A summary says what could not be done: "The login failed". The detail gives
//     the cause, then one imperative sentence that fixes it, with the exact command,
//     attribute or value.
//  2. Use the plain words of the field: failed, again, fix, report, in plain text.
//  3. Put the main clause first and the exception after it. One idea a sentence; no
//     pronoun before its noun.
//  4. Use one word for one thing: account, provider, sink, target, token, refresh
//     token, login, code, state, lease, journal, plan, apply.
//  5. A line that may be cut starts with what matters: the address, then the reason,
//     then the place.
//  6. Wrap documentation at 100 columns and code at 120.
package render
