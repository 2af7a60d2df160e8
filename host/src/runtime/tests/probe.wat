;; Counts its calls and responds to each request with the count as a digit. So a test sees whether an instance was
;; reused. The first letter of the path, or of an event's subject, selects an action:
;;
;;   /b  compute for 120 ms      /l  leak a handle         /m  grow the memory by 32 MiB
;;   /n  send no status          /s  compute without end   /t  trap
;;   /h  send malformed headers                            /o  grow the memory by 32 MiB or trap
;;   /w  do a fixed amount of work                         /g  grow the memory by 32 MiB and work
;;   b: compute for 120 ms, r: retry, j: reject, t: trap
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))

  (memory (export "memory") 1)
  (data (i32.const 512) "later")
  (global $count (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 4096))

  ;; Allocates without freeing. Each call starts again at the same address.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 15)) (i32.const -8))))

  (func $compute
    (local $end i64)
    (local.set $end (i64.add (call $now) (i64.const 120000000)))
    (loop $again (br_if $again (i64.lt_u (call $now) (local.get $end)))))

  (func $work
    (local $hash i64) (local $rounds i64)
    (local.set $rounds (i64.const 100000000))
    (loop $again
      (local.set $hash (i64.xor (i64.mul (local.get $hash) (i64.const 31)) (local.get $rounds)))
      (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
      (br_if $again (i64.ne (local.get $rounds) (i64.const 0))))
    (i64.store (i32.const 64) (local.get $hash)))

  (func (export "mercato:platform/http-handler@0.1.0#handle")
    (param i32 i32) (param $target i32) (param i32) (param i32 i32) (param i32 i32)
    (result i32)
    (local $action i32)
    (global.set $free (i32.const 4096))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (local.set $action (i32.load8_u offset=1 (local.get $target)))
    (if (i32.eq (local.get $action) (i32.const 0x62)) ;; b
      (then (call $compute)))
    (if (i32.eq (local.get $action) (i32.const 0x77)) ;; w
      (then (call $work)))
    (if (i32.eq (local.get $action) (i32.const 0x67)) ;; g
      (then
        (if (i32.eq (memory.grow (i32.const 512)) (i32.const -1))
          (then (global.set $count (i32.const -15)))) ;; responds `!`
        (call $work)))
    (if (i32.eq (local.get $action) (i32.const 0x6f)) ;; o
      (then
        (if (i32.eq (memory.grow (i32.const 512)) (i32.const -1))
          (then (unreachable)))))
    (if (i32.eq (local.get $action) (i32.const 0x6c)) ;; l
      (then (drop (call $subscribe (i64.const 0)))))
    (if (i32.eq (local.get $action) (i32.const 0x6d)) ;; m
      (then
        (if (i32.eq (memory.grow (i32.const 512)) (i32.const -1))
          (then (global.set $count (i32.const -15)))))) ;; responds `!`
    (if (i32.eq (local.get $action) (i32.const 0x73)) ;; s
      (then (loop $again (br $again))))
    (if (i32.eq (local.get $action) (i32.const 0x74)) ;; t
      (then (unreachable)))
    ;; The response: a status, headers, and a body with the count.
    (i32.store16 (i32.const 16) (select (i32.const 0) (i32.const 200)
      (i32.eq (local.get $action) (i32.const 0x6e)))) ;; n
    (i32.store (i32.const 20) (i32.const 512))
    (i32.store (i32.const 24) (select (i32.const 5) (i32.const 0)
      (i32.eq (local.get $action) (i32.const 0x68)))) ;; h
    (i32.store8 (i32.const 0) (i32.add (global.get $count) (i32.const 48)))
    (i32.store (i32.const 28) (i32.const 0))
    (i32.store (i32.const 32) (i32.const 1))
    (i32.const 16))

  (func (export "probe-events#handle")
    (param $events i32) (param i32)
    (result i32)
    (local $action i32)
    (local.set $action (i32.load8_u (i32.load offset=16 (local.get $events)))) ;; the subject of the first event
    (if (i32.eq (local.get $action) (i32.const 0x62)) ;; b
      (then (call $compute)))
    (if (i32.eq (local.get $action) (i32.const 0x74)) ;; t
      (then (unreachable)))
    ;; A list of one result, which leaves out the other events.
    (i32.store (i32.const 32) (i32.const 48))
    (i32.store (i32.const 36) (i32.const 1))
    (i32.store (i32.const 48)
      (i32.or (i32.eq (local.get $action) (i32.const 0x72)) (i32.eq (local.get $action) (i32.const 0x6a)))) ;; r, j
    (i32.store (i32.const 52) (i32.eq (local.get $action) (i32.const 0x6a)))
    (i32.store (i32.const 56) (i32.const 512))
    (i32.store (i32.const 60) (i32.const 5))
    (i32.const 32)))
