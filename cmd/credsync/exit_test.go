package main

import "testing"

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		end  ending
		want int
	}{
		"nothing":                                {ending{}, 0},
		"changes, not asked to tell":             {ending{changes: true}, 0},
		"blocked, not asked to tell":             {ending{blocked: true}, 0},
		"error, not asked to tell":               {ending{failed: true, changes: true, blocked: true}, 1},
		"detailed, nothing":                      {ending{detailed: true}, 0},
		"detailed, changes":                      {ending{detailed: true, changes: true}, 2},
		"detailed, blocked only":                 {ending{detailed: true, blocked: true}, 3},
		"detailed, changes win over blocked":     {ending{detailed: true, changes: true, blocked: true}, 2},
		"detailed, an error wins over changes":   {ending{detailed: true, failed: true, changes: true}, 1},
		"detailed, an error wins over blocked":   {ending{detailed: true, failed: true, blocked: true}, 1},
		"detailed, an error wins over them both": {ending{detailed: true, failed: true, changes: true, blocked: true}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.end.code(); got != tt.want {
				t.Errorf("code = %d, want %d", got, tt.want)
			}
		})
	}
}
