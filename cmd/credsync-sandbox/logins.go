package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/credsync/credsync/sandbox"
)

// loginAttribute is what a provider calls the name that an account logs in by.
var loginAttribute = map[string]string{
	"sagi": "phone", "bereke": "username", "bifit_kassa": "username", "astana_plat": "login",
}

// writeLogins lists the accounts of an upstream, as their attributes are written in HCL.
// Passwords are shown of the demo accounts only: they are the upstreams' own documented
// examples, and open nothing anywhere.
func writeLogins(out io.Writer, s *sandbox.Sandbox, upstream string, accounts []sandbox.Account, demo bool) {
	for _, a := range accounts {
		if a.Upstream != upstream {
			continue
		}
		var parts []string
		add := func(name, value string) { parts = append(parts, fmt.Sprintf("%s = %q", name, value)) }
		switch {
		case a.AstanaPlat != nil && a.AstanaPlat.Certificate != "":
			parts = append(parts, fmt.Sprintf("a certificate for %q, over TLS: post it to %s/_control/certificates", a.AstanaPlat.Certificate, s.URL("")))
		case a.Token != "" && demo:
			add("token", a.Token)
		case a.Token != "":
			parts = append(parts, fmt.Sprintf("the token of %q", a.Name))
		default:
			add(loginAttribute[upstream], a.Name)
			if demo {
				add("password", a.Password)
			}
		}
		if upstream == "bereke" {
			add("public_key_url", s.URL(upstream)+"/auth/public-key")
		}
		if a.BifitKassa != nil && a.BifitKassa.SecondFactor {
			parts = append(parts, "its code: curl "+s.URL("")+"/_control/sms")
		}
		fmt.Fprintf(out, "  %s\n", strings.Join(parts, "  "))
	}
}
