package sandbox

import (
	"encoding/json"
	"net/http"
	"time"
)

// control serves the control API; see the package's documentation.
func (s *Sandbox) control() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, f func(r *http.Request) any) {
		mux.HandleFunc("GET /_control/"+path, func(w http.ResponseWriter, r *http.Request) { s.control200(w, f(r)) })
	}
	remove := func(path string, f func()) {
		mux.HandleFunc("DELETE /_control/"+path, func(w http.ResponseWriter, _ *http.Request) { f(); s.control200(w, done{}) })
	}
	get("urls", func(r *http.Request) any { return s.urls("http://" + r.Host) })
	get("accounts", func(*http.Request) any { return s.Accounts() })
	get("faults", func(*http.Request) any { return s.Faults() })
	get("sms", func(*http.Request) any { return s.LastCodes() })
	get("counters", func(*http.Request) any { return s.AllCounters() })
	get("tls", func(*http.Request) any { return map[string]any{"ca_pem": s.CAPEM(), "urls": s.TLSURLs()} })
	remove("faults", s.ClearFaults)
	remove("counters", s.ResetCounters)
	post(s, mux, "accounts", func(a Account) (any, error) { return done{}, s.SetAccount(a) })
	post(s, mux, "faults", func(f Fault) (any, error) { return done{}, s.AddFault(f) })
	post(s, mux, "certificates", func(c ClientCertificate) (any, error) {
		cert, key, err := s.IssueCertificate(c)
		return map[string]string{"cert_pem": cert, "key_pem": key}, err
	})
	post(s, mux, "revoke", func(q struct{ Upstream, Account string }) (any, error) {
		s.Revoke(q.Upstream, q.Account)
		return done{}, nil
	})
	post(s, mux, "live", func(q struct{ Upstream, Token string }) (any, error) {
		name, live := s.Live(q.Upstream, q.Token)
		return map[string]any{"live": live, "account": name}, nil
	})
	post(s, mux, "tokens", func(q struct{ Upstream, Account string }) (any, error) {
		return s.Tokens(q.Upstream, q.Account), nil
	})
	post(s, mux, "rotate_key", func(done) (any, error) {
		s.RotateBerekeKey()
		return done{}, nil
	})
	post(s, mux, "clock", func(q struct{ Advance Duration }) (any, error) {
		return map[string]any{"now": s.Advance(time.Duration(q.Advance)).UTC().Format(time.RFC3339)}, nil
	})
	mux.HandleFunc("GET /_control/github_keys/{installation}", s.controlGithubKey)
	return mux
}

// controlGithubKey answers with a PEM file, as an account takes it.
func (s *Sandbox) controlGithubKey(w http.ResponseWriter, r *http.Request) {
	key, err := s.GithubPrivateKey(r.PathValue("installation"))
	if err != nil {
		s.write(w, reply{status: http.StatusBadRequest, body: map[string]string{"error": err.Error()}})
		return
	}
	s.write(w, reply{status: http.StatusOK, raw: key, rawType: "application/x-pem-file"})
}

// done is the answer of what has nothing to say: {}.
type done struct{}

// URLs returns the base URL of each upstream.
func (s *Sandbox) URLs() map[string]string { return s.urls(s.url) }

func (s *Sandbox) urls(base string) map[string]string {
	m := map[string]string{}
	for _, e := range s.emulators {
		m[e.name] = base + "/" + e.name
	}
	return m
}

// post adds a request with a body of type T.
func post[T any](s *Sandbox, mux *http.ServeMux, path string, f func(T) (any, error)) {
	mux.HandleFunc("POST /_control/"+path, func(w http.ResponseWriter, r *http.Request) {
		var body T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		d.DisallowUnknownFields()
		answer, err := any(nil), d.Decode(&body)
		if err == nil {
			answer, err = f(body)
		}
		if err != nil {
			s.write(w, reply{status: http.StatusBadRequest, body: map[string]string{"error": err.Error()}})
			return
		}
		s.control200(w, answer)
	})
}

func (s *Sandbox) control200(w http.ResponseWriter, body any) {
	s.write(w, reply{status: http.StatusOK, body: body})
}
