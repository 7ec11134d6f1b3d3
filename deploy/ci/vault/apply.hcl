# What "credsync apply" needs.
path "secret/data/inputs/accounts"           { capabilities = ["read"] }
path "secret/data/shop/*"                    { capabilities = ["create", "update"] }
path "secret/metadata/shop/*"                { capabilities = ["create", "read", "update", "patch"] }
path "secret/data/credsync/payments/*"       { capabilities = ["create", "read", "update"] }
path "secret/metadata/credsync/payments"     { capabilities = ["list"] }
path "secret/metadata/credsync/payments/*"   { capabilities = ["read", "delete"] }
