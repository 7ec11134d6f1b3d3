package main

import (
	"bufio"
	"context"
	"strings"

	"github.com/credsync/credsync/schema/diag"
)

// confirm asks for a yes. It returns an error diagnostic where there is nobody
// to ask, with what to do otherwise, and false where the answer is anything
// else.
func (a *app) confirm(ctx context.Context, question, otherwise string) (bool, diag.List) {
	_, in := terminal(a.stdin)
	_, out := terminal(a.stderr)
	if !in || !out {
		return false, diag.List{diag.Errorf("Nobody can be asked", "There is no terminal to ask on, so nothing was done. %s", otherwise)}
	}
	a.out.Ask(question, `Only "yes" is accepted.`)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return false, nil
	case text := <-answer:
		return text == "yes", nil
	}
}
