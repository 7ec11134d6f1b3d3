package main

import "testing"

func TestExitCodes(t *testing.T) {
	tests := map[string]struct {
		end  commandResult
		want int
	}{
		"nothing":                                {commandResult{}, 0},
		"changes, not asked to tell":             {commandResult{changes: true}, 0},
		"blocked, not asked to tell":             {commandResult{blocked: true}, 0},
		"error, not asked to tell":               {commandResult{failed: true, changes: true, blocked: true}, 1},
		"detailed, nothing":                      {commandResult{detailed: true}, 0},
		"detailed, changes":                      {commandResult{detailed: true, changes: true}, 2},
		"detailed, blocked only":                 {commandResult{detailed: true, blocked: true}, 3},
		"detailed, changes win over blocked":     {commandResult{detailed: true, changes: true, blocked: true}, 2},
		"detailed, an error wins over changes":   {commandResult{detailed: true, failed: true, changes: true}, 1},
		"detailed, an error wins over blocked":   {commandResult{detailed: true, failed: true, blocked: true}, 1},
		"detailed, an error wins over them both": {commandResult{detailed: true, failed: true, changes: true, blocked: true}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.end.code(); got != tt.want {
				t.Errorf("code = %d, want %d", got, tt.want)
			}
		})
	}
}
