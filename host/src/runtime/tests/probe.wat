;; Counts its calls and responds to each request with the count as a digit. So a test sees whether an instance was
;; reused. The first letter of the path, or of an event's subject, selects an action:
;;
;;   /b  compute for 120 ms      /l  leak a handle         /m  grow the memory by 32 MiB
;;   /n  send no response        /s  compute without end   /t  trap
;;   /u  leave the body unfinished                         /o  grow the memory by 32 MiB or trap
;;   /w  do a fixed amount of work                         /g  grow the memory by 32 MiB and work
;;   b: compute for 120 ms, r: retry, j: reject, t: trap
(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-request" (func $drop-request (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]response-outparam" (func $drop-outparam (param i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $stream-write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))

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

  (func $answer (param $outparam i32) (param $whole i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (local.set $response (call $response (call $fields)))
    (call $body (local.get $response) (i32.const 16))
    (local.set $body (i32.load (i32.const 20)))
    (call $set (local.get $outparam) (i32.const 0) (local.get $response)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $write (local.get $body) (i32.const 16))
    (local.set $stream (i32.load (i32.const 20)))
    (i32.store8 (i32.const 0) (i32.add (global.get $count) (i32.const 48)))
    (call $stream-write (local.get $stream) (i32.const 0) (i32.const 1) (i32.const 16))
    (if (local.get $whole)
      (then
        (call $drop-stream (local.get $stream))
        (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 64)))))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $outparam i32)
    (local $action i32)
    (global.set $free (i32.const 4096))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $path (local.get $request) (i32.const 16))
    (local.set $action (i32.load8_u offset=1 (i32.load (i32.const 20))))
    (call $drop-request (local.get $request))
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
      (then (drop (call $fields))))
    (if (i32.eq (local.get $action) (i32.const 0x6d)) ;; m
      (then
        (if (i32.eq (memory.grow (i32.const 512)) (i32.const -1))
          (then (global.set $count (i32.const -15)))))) ;; responds `!`
    (if (i32.eq (local.get $action) (i32.const 0x73)) ;; s
      (then (loop $again (br $again))))
    (if (i32.eq (local.get $action) (i32.const 0x74)) ;; t
      (then (unreachable)))
    (if (i32.eq (local.get $action) (i32.const 0x6e)) ;; n
      (then (call $drop-outparam (local.get $outparam)))
      (else (call $answer (local.get $outparam) (i32.ne (local.get $action) (i32.const 0x75)))))) ;; u

  (func (export "probe-events#handle")
    (param $id i32) (param i32) (param $kind i32) (param i32) (param $subject i32) (param i32)
    (param $time i64) (param i32 i64) (param $data i32) (param i32)
    (result i32)
    (local $action i32)
    (local.set $action (i32.load8_u (local.get $subject)))
    (if (i32.eq (local.get $action) (i32.const 0x62)) ;; b
      (then (call $compute)))
    (if (i32.eq (local.get $action) (i32.const 0x74)) ;; t
      (then (unreachable)))
    (i32.store (i32.const 32)
      (i32.or (i32.eq (local.get $action) (i32.const 0x72)) (i32.eq (local.get $action) (i32.const 0x6a)))) ;; r, j
    (i32.store (i32.const 36) (i32.eq (local.get $action) (i32.const 0x6a)))
    (i32.store (i32.const 40) (i32.const 512))
    (i32.store (i32.const 44) (i32.const 5))
    (i32.const 32)))
