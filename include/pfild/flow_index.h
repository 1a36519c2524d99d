/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the flow table keeps the place of a key. The same lines run in the heads and in the engine; the engine
 * alone writes. No maps, no state.
 *
 *     key --hash--> two buckets of 8 hints, one cache line each     hint: tag 32 | place + 1, 32; 0: empty
 *
 * A hint is in the first bucket that had room. There are at least four hints for each entry, so that hardly any key
 * finds both full; then the flow is refused. A hint's tag keeps readers from looking at entries in vain; the entry's
 * own key decides.
 *
 * Hash: NH (UMAC, RFC 4418, section 5.2.2) over the key's words with the words of the state, then multiply-shift. All
 * of these are secret, so nobody outside can choose keys that meet. It is a dozen multiplications that do not wait for
 * each other; the kernel's hash map costs several function calls, which are dear where returns are protected
 * (docs/decisions.md).
 */
#ifndef PFILD_FLOW_INDEX_H
#define PFILD_FLOW_INDEX_H

#include "pfild/flow.h"

#define PFILD_BUCKET_HINTS 8

struct pfild_flow_bucket {
    __u64 hint[PFILD_BUCKET_HINTS];
};
PFILD_ASSERT_SIZE(struct pfild_flow_bucket, 64);

#define PFILD_HINT(tag, place) ((__u64)(tag) << 32 | ((__u64)(place) + 1))
#define PFILD_HINT_TAG(hint) ((__u32)((hint) >> 32))
#define PFILD_HINT_PLACE(hint) ((__u32)(hint)-1)

struct pfild_flow_hash {
    __u32 bucket[2]; /* may be the same */
    __u32 tag;
};

static inline __attribute__((always_inline)) struct pfild_flow_hash
pfild_flow_hash_of(const struct pfild_flow_key* key, const struct pfild_flow_state* state) {
    const __u32 *word = (const __u32*)key, *secret = state->hash_words;
    struct pfild_flow_hash hash;
    __u64 sum = 0;

    for (int i = 0; i + 1 < PFILD_FLOW_KEY_WORDS; i += 2)
        sum += (__u64)(word[i] + secret[i]) * (word[i + 1] + secret[i + 1]);
    sum += (__u64)(word[PFILD_FLOW_KEY_WORDS - 1] + secret[PFILD_FLOW_KEY_WORDS - 1]) * secret[PFILD_FLOW_KEY_WORDS];
    hash.bucket[0] = (__u32)(sum * state->hash_spread[0] >> state->index_shift);
    hash.bucket[1] = (__u32)(sum * state->hash_spread[1] >> state->index_shift);
    hash.tag = (__u32)sum;
    return hash;
}

#endif
