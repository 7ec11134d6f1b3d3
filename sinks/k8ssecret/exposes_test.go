package k8ssecret

import (
	"strings"
	"testing"
)

func TestStateBesideTargetsIsExposed(t *testing.T) {
	c := &conn{attrs: attrs{"namespace": "shop"}}
	s := c.spec()
	records, err := s.Record(c.values(), values(&s.State, attrs{}), "")
	if err != nil {
		t.Fatal(err)
	}
	if why := s.Exposes(records, c.deliver(t, attrs{"name": "sagi-token"})); !strings.Contains(why, "namespace shop") {
		t.Errorf("a target in the state's namespace: %q", why)
	}
	for _, namespace := range []string{"shop2", "sho"} {
		if why := s.Exposes(records, c.deliver(t, attrs{"name": "sagi-token", "namespace": namespace})); why != "" {
			t.Errorf("a target in %s: %q", namespace, why)
		}
	}
}
