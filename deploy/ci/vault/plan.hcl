# What "credsync plan" needs. It only reads, but it reads the inputs and the state,
# including live tokens: let a branch plan only if its authors may read those.
path "secret/data/inputs/accounts"           { capabilities = ["read"] }
path "secret/metadata/shop/*"                { capabilities = ["read"] }
path "secret/data/credsync/payments/*"       { capabilities = ["read"] }
path "secret/metadata/credsync/payments"     { capabilities = ["list"] }
path "secret/metadata/credsync/payments/*"   { capabilities = ["read"] }
