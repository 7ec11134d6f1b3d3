package monitoring

import (
	"encoding/json"
	"os"
	"testing"
)

const dashboardFile = "../../deploy/monitoring/dashboard.json"

// dashboard is what of Grafana's format is looked at.
type dashboard struct {
	UID        string
	Title      string
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []panel
}

type panel struct {
	ID          int
	Title, Type string
	Description string
	Datasource  source
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		Datasource  source
		Expr, RefID string
	}
}

type source struct{ Type, UID string }

func load(t *testing.T) dashboard {
	t.Helper()
	b, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("there are no panels")
	}
	return d
}

func TestDashboardAsksForMetricsThatExist(t *testing.T) {
	h := calm().history(t)
	for _, p := range load(t).Panels {
		if len(p.Targets) == 0 || p.Description == "" {
			t.Errorf("%s asks for nothing, or says nothing", p.Title)
		}
		for _, target := range p.Targets {
			exists(t, p.Title, target.Expr)
			if !t.Failed() {
				evaluate(t, h, target.Expr, now)
			}
		}
	}
}

func TestDashboardHasOneSourceThatTheUserChooses(t *testing.T) {
	d := load(t)
	if v := d.Templating.List; len(v) != 1 || v[0].Name != "datasource" || v[0].Type != "datasource" || v[0].Query != "prometheus" {
		t.Errorf("variables are %v", v)
	}
	want := source{"prometheus", "${datasource}"}
	for _, p := range d.Panels {
		if p.Datasource != want {
			t.Errorf("%s has the source %v", p.Title, p.Datasource)
		}
		for _, target := range p.Targets {
			if target.Datasource != want {
				t.Errorf("%s asks the source %v", p.Title, target.Datasource)
			}
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range load(t).Panels {
		if ids[p.ID] {
			t.Errorf("%s has the id of another", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("%s overlaps %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
