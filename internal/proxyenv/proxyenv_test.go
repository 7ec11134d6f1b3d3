package proxyenv_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/proxyenv"
)

func TestTheProxyOfTheEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		env              map[string]string
		url, want, wrong string
	}{
		"none":                 {url: "https://api.example.com"},
		"URL":                  {env: map[string]string{"HTTPS_PROXY": "http://u:p@proxy:3128"}, url: "https://api.example.com", want: "http://u:p@proxy:3128"},
		"host and port":        {env: map[string]string{"HTTPS_PROXY": "proxy:3128"}, url: "https://api.example.com", want: "http://proxy:3128"},
		"address":              {env: map[string]string{"https_proxy": "10.0.0.1:3128"}, url: "https://api.example.com", want: "http://10.0.0.1:3128"},
		"socks":                {env: map[string]string{"HTTPS_PROXY": "socks5://proxy:1080"}, url: "https://api.example.com", want: "socks5://proxy:1080"},
		"small letters first":  {env: map[string]string{"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}, url: "https://api.example.com", want: "http://a:1"},
		"no port":              {env: map[string]string{"HTTPS_PROXY": "http://proxy:port"}, url: "https://api.example.com", wrong: "HTTPS_PROXY"},
		"an end without port":  {env: map[string]string{"https_proxy": "http://proxy:"}, url: "https://api.example.com", wrong: "https_proxy"},
		"a colon missing":      {env: map[string]string{"HTTPS_PROXY": "http//proxy:3128"}, url: "https://api.example.com", wrong: "HTTPS_PROXY"},
		"a percent sign":       {env: map[string]string{"HTTPS_PROXY": "http://u:100%@proxy:3128"}, url: "https://api.example.com", wrong: "HTTPS_PROXY"},
		"another scheme":       {env: map[string]string{"HTTPS_PROXY": "ftp://proxy:21"}, url: "https://api.example.com", wrong: "HTTPS_PROXY"},
		"a line break":         {env: map[string]string{"HTTPS_PROXY": "http://proxy:3128\n"}, url: "https://api.example.com", wrong: "HTTPS_PROXY"},
		"plain http":           {env: map[string]string{"HTTP_PROXY": "::"}, url: "http://api.example.com", wrong: "HTTP_PROXY"},
		"the other's":          {env: map[string]string{"HTTP_PROXY": "::"}, url: "https://api.example.com"},
		"not for this host":    {env: map[string]string{"HTTPS_PROXY": "::", "NO_PROXY": ".example.com"}, url: "https://api.example.com"},
		"not for this machine": {env: map[string]string{"HTTPS_PROXY": "::"}, url: "https://127.0.0.1:8200"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := proxyenv.Func(func(name string) string { return tc.env[name] })(req)
		var wrong proxyenv.Error
		if errors.As(err, &wrong); wrong.Variable != tc.wrong || err != nil && tc.wrong == "" {
			t.Errorf("%s: %v, want one about %q", name, err, tc.wrong)
		}
		got := ""
		if u != nil {
			got = u.String()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "100") {
			t.Errorf("%s: the value is quoted: %v", name, err)
		}
	}
}
