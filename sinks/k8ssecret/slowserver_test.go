package k8ssecret

import (
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/sinktest"
)

// operations are one of each kind of request that the sink makes.
var operations = sinktest.Operations("u/1")

func TestAnswersThatDripEndWithTheTimeout(t *testing.T) {
	sinktest.RunSlowServer(t, operations, "did not answer in time", func(t *testing.T, slow http.HandlerFunc) (sinks.Sink, sinks.Target) {
		c := newFake(t, func(_ int, w http.ResponseWriter, r *http.Request) { slow(w, r) }).conn(t)
		c.timeout = 100 * time.Millisecond
		return c.open(t), c.deliver(t, attrs{"name": "sagi"})
	})
}
