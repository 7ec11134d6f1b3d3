package astana_plat

import (
	"encoding/json"
	"strings"

	"github.com/credsync/credsync/internal/upstream"
)

// Values of authType.
const (
	byPassword    = 1
	byCertificate = 2
)

// loginRequest is the body of a login. It is made where it is sent and never
// kept: it holds the secrets in clear.
type loginRequest struct {
	AuthType int    `json:"authType"`
	Login    string `json:"login,omitempty"`
	Password string `json:"password,omitempty"`
}

// envelope is every answer, good or bad. Data is read only from a good one.
type envelope struct {
	StatusCode *int            `json:"statusCode"`
	Message    json.RawMessage `json:"message"`
	Data       json.RawMessage `json:"data"`
}

type tokenData struct {
	Token upstream.Hidden `json:"token"`
}

// said is the service's message, if it is a string.
func (e envelope) said() string {
	var s string
	if json.Unmarshal(e.Message, &s) != nil {
		return ""
	}
	return s
}

// The documented messages, as plain writes them.
const (
	saidWrongCredentials = "incorrectcredentials"
	saidUnknownUser      = "userwithgivencredentialsnotfound"
	saidNoEndpoint       = "endpointnotfound"
	saidTryLater         = "error.trylater"
	saidUnknownError     = "unknownerror.trylater"
	saidGarbled          = "incorrectresponsebody.tryagain"
	saidOutdated         = "certificateisoutdated.pleasegetfreshone"
)

// plain leaves out what does not matter in a message: letter case, spaces and
// final dots. The document itself is not consistent in them.
func plain(message string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(message), "")), ".")
}
