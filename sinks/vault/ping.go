package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/credsync/credsync/sinks"
	"github.com/hashicorp/vault/api"
)

// healthCodes make sys/health answer 200 whatever the state is in, so that an
// answer is not taken for a failure and asked for again.
var healthCodes = url.Values{
	"standbyok": {"true"}, "perfstandbyok": {"true"},
	"sealedcode": {"200"}, "uninitcode": {"200"}, "drsecondarycode": {"200"},
}

// healthAnswer is what sys/health says.
type healthAnswer struct {
	Initialized, Sealed bool
	Version             string
	ClusterID           string `json:"cluster_id"`
	// Enterprise is nil where a server does not say; those have namespaces or not.
	Enterprise *bool
}

// errNoHealth marks the refusal of a gateway: Vault itself lets everyone look at
// its health.
var errNoHealth = errors.New("the gateway in front of Vault does not allow sys/health")

// Ping implements sinks.Pinger.
func (s *Sink) Ping(ctx context.Context) (sinks.Server, error) {
	server, _, err := s.health(ctx)
	return server, err
}

// health asks for what a Vault says of itself. It is an error where it does not
// serve.
func (s *Sink) health(ctx context.Context) (sinks.Server, healthAnswer, error) {
	// sys/health is in the root namespace only, and takes no token.
	client := s.client.WithNamespace("").WithRequestCallbacks(func(r *api.Request) { r.ClientToken = "" })
	server := sinks.Server{Address: s.client.Address(), About: "Vault"}
	r := request{op: "check the health", client: client}
	resp, err := client.Logical().ReadRawWithDataWithContext(ctx, "sys/health", healthCodes)
	switch status(err) {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return server, healthAnswer{}, fmt.Errorf("%w: %w", describe(ctx, err, r), errNoHealth)
	}
	if err != nil {
		return server, healthAnswer{}, describe(ctx, err, r)
	}
	defer func() { _ = resp.Body.Close() }()
	server.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		server.CertificateEnds = resp.TLS.PeerCertificates[0].NotAfter
	}
	var health healthAnswer
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return server, healthAnswer{}, describe(ctx, err, r)
	}
	if json.Unmarshal(body, &health) != nil || health.Version == "" {
		if resp.StatusCode != http.StatusOK {
			// The client takes 429 for a standby's answer, which gateways give too.
			return server, healthAnswer{}, fmt.Errorf("%s: %w: HTTP %d; run credsync again once it answers", r, sinks.ErrUnavailable, resp.StatusCode)
		}
		return server, healthAnswer{}, errForeign(r)
	}
	server.About = "Vault " + health.Version
	if err := whyNotServing(server.Address, health.Initialized, health.Sealed); err != nil {
		return server, health, err
	}
	return server, health, s.checkNamespace(health)
}

// checkNamespace refuses a namespace that the server would leave out of account, so that
// tokens went elsewhere than the configuration says.
func (s *Sink) checkNamespace(health healthAnswer) error {
	namespace := strings.Trim(s.client.Namespace(), "/")
	if namespace == "" || namespace == "root" || health.Enterprise == nil || *health.Enterprise {
		return nil
	}
	return fmt.Errorf("the Vault at %s is not Vault Enterprise and has no namespaces, so it would ignore the namespace %q; remove namespace from the sink block, and unset %s", s.client.Address(), namespace, api.EnvVaultNamespace)
}

// whyNotServing says what keeps a Vault from serving.
func whyNotServing(address string, initialized, sealed bool) error {
	why := ""
	switch {
	case !initialized:
		why = "it has not been initialized; run \"vault operator init\", or correct address in the sink block"
	case sealed:
		why = "it is sealed; unseal it (\"vault operator unseal\")"
	default:
		return nil
	}
	return fmt.Errorf("the Vault at %s: %w: %w", address, sinks.ErrUnavailable, errors.New(why))
}
