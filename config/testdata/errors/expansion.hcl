locals {
  a = [for i in range(1000) : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]
  b = [local.a, local.a, local.a, local.a, local.a, local.a, local.a, local.a, local.a, local.a]
  c = [local.b, local.b, local.b, local.b, local.b, local.b, local.b, local.b, local.b, local.b]
  d = [local.c, local.c, local.c, local.c, local.c, local.c, local.c, local.c, local.c, local.c]
  e = [local.d, local.d, local.d, local.d, local.d, local.d, local.d, local.d, local.d, local.d] # ERROR: Value too large; The result of this expression is larger than 256 MiB.
  f = setproduct(local.a, local.a, local.a)                                                      # ERROR: more than 1048576 elements
  h = jsonencode(yamldecode(sensitive("{canary"))) # ERROR: it is not valid YAML
  g = indent(2000000000, "a")                                                                    # ERROR: larger than 64 MiB
}
