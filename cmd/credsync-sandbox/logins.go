package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/credsync/credsync/sandbox"
)

// loginAttribute is what a provider calls the name that an account logs in by.
var loginAttribute = map[string]string{
	"sagi": "phone", "bereke": "username", "bifit_kassa": "username", "astana_plat": "login",
	"loyalty": "login", "veeva": "client_id",
}

// secretAttribute is what it calls what proves it; "password" where there is nothing.
var secretAttribute = map[string]string{"veeva": "client_secret"}

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
		case a.Github != nil:
			add("app_id", a.Github.AppID)
			add("installation_id", a.Name)
			if a.Github.PublicKey == "" {
				parts = append(parts, "its private_key: curl "+s.URL("")+"/_control/github_keys/"+a.Name)
			}
		case a.Token != "" && demo:
			add("token", a.Token)
		case a.Token != "":
			parts = append(parts, fmt.Sprintf("the token of %q", a.Name))
		default:
			add(loginAttribute[upstream], a.Name)
			if demo {
				add(cmp.Or(secretAttribute[upstream], "password"), a.Password)
			}
		}
		if a.Veeva != nil {
			add("token_url", s.URL(upstream)+"/token")
			add("profile", a.Veeva.Profile)
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
