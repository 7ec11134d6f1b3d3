// Package functions has the functions of the language: Terraform's, without
// those that would make two plans of one configuration differ, and some that
// logins need. Those that would are for expressions that are evaluated when a
// request is sent.
package functions

import (
	"maps"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Options are what the functions that look outside need.
type Options struct {
	// Dir is where relative paths start.
	Dir string
	// Getenv reads the process environment.
	Getenv func(string) string
	// EnvIsSet reports whether an environment variable is set, even to nothing, for the
	// words of an error; may be nil.
	EnvIsSet func(string) bool
	// Saw is called with each file whose content or presence a function tells,
	// even if it is missing; may be nil. It may be called concurrently.
	Saw func(path string)
	// MissingUnknown makes what file, filebase64, fileset and env cannot read an unknown
	// value rather than an error.
	MissingUnknown bool
	// SawSet is called with each directory whose files a function lists, and with
	// the pattern. It may be nil.
	SawSet func(path, pattern string)
}

// Table returns every function of the configuration by its name. All of them keep marks: what is
// computed from something sensitive is sensitive.
func Table(o Options) map[string]function.Function {
	all := pureFunctions()
	maps.Copy(all, impureFunctions(o))
	return all
}

// impureFunctions is the functions that look outside.
func impureFunctions(o Options) map[string]function.Function {
	saw := o.Saw
	if saw == nil {
		saw = func(string) {}
	}
	sawSet := o.SawSet
	if sawSet == nil {
		sawSet = func(string, string) {}
	}
	return map[string]function.Function{
		"env":        envFunc(o),
		"file":       fileFunc(o, saw, false),
		"filebase64": fileFunc(o, saw, true),
		"fileexists": fileExistsFunc(o.Dir, saw),
		"fileset":    fileSetFunc(o, sawSet),
	}
}

// pureFunctions is the functions that look at nothing but their arguments.
func pureFunctions() map[string]function.Function {
	all := fromStdlib()
	maps.Copy(all, map[string]function.Function{
		"alltrue":          allTrueFunc,
		"anytrue":          anyTrueFunc,
		"base64decode":     base64DecodeFunc,
		"base64encode":     textFunc(encodeBase64),
		"base64hmacsha256": base64HMACSHA256Func,
		"base64sha256":     hashFunc(sha256Sum, encodeBase64),
		"base64sha512":     hashFunc(sha512Sum, encodeBase64),
		"base64urlencode":  base64URLEncodeFunc,
		"basename":         basenameFunc,
		"can":              tryfunc.CanFunc,
		"coalesce":         coalesceFunc,
		"dirname":          dirnameFunc,
		"endswith":         endsWithFunc,
		"hmacsha1":         hmacSHA1Func,
		"hmacsha256":       hmacSHA256Func,
		"index":            indexFunc,
		"issensitive":      isSensitiveFunc,
		"jwtclaims":        jwtClaimsFunc,
		"length":           lengthFunc,
		"matchkeys":        matchKeysFunc,
		"md5":              hashFunc(md5Sum, encodeHex),
		"nonsensitive":     nonsensitiveFunc,
		"one":              oneFunc,
		"replace":          boundedReplaceFunc,
		"sensitive":        sensitiveFunc,
		"sha1":             hashFunc(sha1Sum, encodeHex),
		"sha256":           hashFunc(sha256Sum, encodeHex),
		"sha512":           hashFunc(sha512Sum, encodeHex),
		"startswith":       startsWithFunc,
		"strcontains":      strContainsFunc,
		"sum":              sumFunc,
		"timecmp":          timeCmpFunc,
		"tobool":           stdlib.MakeToFunc(cty.Bool),
		"tolist":           toCollection(cty.List),
		"tomap":            stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":         toNumberFunc,
		"toset":            toCollection(cty.Set),
		"tostring":         stdlib.MakeToFunc(cty.String),
		"transpose":        transposeFunc,
		"try":              tryfunc.TryFunc,
		"urldecode":        urlDecodeFunc,
		"urlencode":        textFunc(encodeURL),
		"yamldecode":       yamlDecodeFunc,
		"yamlencode":       ctyyaml.YAMLEncodeFunc,
		"zipmap":           zipMapFunc,
	})
	return all
}

func fromStdlib() map[string]function.Function {
	return map[string]function.Function{
		"abs":             stdlib.AbsoluteFunc,
		"ceil":            stdlib.CeilFunc,
		"chomp":           stdlib.ChompFunc,
		"chunklist":       stdlib.ChunklistFunc,
		"coalescelist":    stdlib.CoalesceListFunc,
		"compact":         stdlib.CompactFunc,
		"concat":          stdlib.ConcatFunc,
		"contains":        stdlib.ContainsFunc,
		"csvdecode":       csvDecodeFunc,
		"distinct":        stdlib.DistinctFunc,
		"element":         stdlib.ElementFunc,
		"flatten":         stdlib.FlattenFunc,
		"floor":           stdlib.FloorFunc,
		"format":          stdlib.FormatFunc,
		"formatdate":      stdlib.FormatDateFunc,
		"formatlist":      stdlib.FormatListFunc,
		"indent":          indentFunc,
		"join":            joinFunc,
		"jsondecode":      jsonDecodeFunc,
		"jsonencode":      stdlib.JSONEncodeFunc,
		"keys":            stdlib.KeysFunc,
		"log":             stdlib.LogFunc,
		"lookup":          stdlib.LookupFunc,
		"lower":           stdlib.LowerFunc,
		"max":             stdlib.MaxFunc,
		"merge":           stdlib.MergeFunc,
		"min":             stdlib.MinFunc,
		"parseint":        stdlib.ParseIntFunc,
		"pow":             stdlib.PowFunc,
		"range":           stdlib.RangeFunc,
		"regex":           stdlib.RegexFunc,
		"regexall":        stdlib.RegexAllFunc,
		"reverse":         stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc,
		"setproduct":      setProductFunc,
		"setsubtract":     stdlib.SetSubtractFunc,
		"setunion":        stdlib.SetUnionFunc,
		"signum":          stdlib.SignumFunc,
		"slice":           stdlib.SliceFunc,
		"sort":            stdlib.SortFunc,
		"split":           stdlib.SplitFunc,
		"strrev":          stdlib.ReverseFunc,
		"substr":          stdlib.SubstrFunc,
		"timeadd":         stdlib.TimeAddFunc,
		"title":           stdlib.TitleFunc,
		"trim":            stdlib.TrimFunc,
		"trimprefix":      stdlib.TrimPrefixFunc,
		"trimspace":       stdlib.TrimSpaceFunc,
		"trimsuffix":      stdlib.TrimSuffixFunc,
		"upper":           stdlib.UpperFunc,
		"values":          stdlib.ValuesFunc,
	}
}
