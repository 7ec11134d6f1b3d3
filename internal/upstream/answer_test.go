package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func TestRedirectsShowNoMoreThanTheOrigin(t *testing.T) {
	for _, location := range []string{"/login?token=" + canary, "https://user:" + canary + "@example.com/" + canary, "://" + canary, ""} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := send(t, c, "POST", base, upstream.Op{Once: true})
		if e := upstreamError(t, err); e.Class != failure.Server || e.Status != http.StatusTemporaryRedirect {
			t.Errorf("%+v", *e)
		}
	}
}

func TestOriginOfARedirectIsNotASecret(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://"+canary+".example/")
		w.WriteHeader(http.StatusFound)
	})
	c, _ := client(t, upstream.Options{BaseURL: u})
	_, err := send(t, c, "POST", u, upstream.Op{Once: true, Secrets: []credential.Secret{credential.NewSecret(canary)}})
	if e := upstreamError(t, err); !strings.Contains(e.Message, "redirects") {
		t.Errorf("%+v", *e)
	}
}
