// SPDX-License-Identifier: Apache-2.0
// Every shape of structured exception handling that a driver's source has, told line by line on the debugger: what a
// way of building, the unwinder or the dispatcher gets wrong is a difference in the trace. What may fault is a function
// of its own, because clang before 17 guards the calls in a __try and nothing else.
#include <ntddk.h>

#include <ntdddump.h>

#define SAY(...) DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, __VA_ARGS__)

#define STATUS_PROBE_ONE ((NTSTATUS)0xE0000001)
#define STATUS_PROBE_TWO ((NTSTATUS)0xE0000002)

DECLSPEC_NOINLINE static ULONG Peek(ULONG_PTR Address) {
  return *(volatile ULONG*)Address;
}
DECLSPEC_NOINLINE static void Poke(ULONG_PTR Address) {
  *(volatile ULONG*)Address = 1;
}
DECLSPEC_NOINLINE static ULONG Divide(volatile ULONG* Dividend, volatile ULONG* Divisor) {
  return *Dividend / *Divisor;
}
DECLSPEC_NOINLINE static LONG DivideSigned(volatile LONG* Dividend, volatile LONG* Divisor) {
  return *Dividend / *Divisor;
}
DECLSPEC_NOINLINE static void Raise(NTSTATUS Status) {
  ExRaiseStatus(Status);
}

DECLSPEC_NOINLINE static void Copy(PVOID To, ULONG_PTR From, SIZE_T Bytes) {
  RtlCopyMemory(To, (PVOID)From, Bytes);
}

static LONG Tell(const char* Who, PEXCEPTION_POINTERS Pointers, LONG Answer) {
  PEXCEPTION_RECORD Record = Pointers->ExceptionRecord;
  SAY("  %s: %08x, flags %x, %u parameters %x %x, answers %d\n", Who, Record->ExceptionCode, Record->ExceptionFlags,
      Record->NumberParameters, Record->NumberParameters > 0 ? (ULONG)Record->ExceptionInformation[0] : 0,
      Record->NumberParameters > 1 ? (ULONG)Record->ExceptionInformation[1] : 0, Answer);
  return Answer;
}

static void AccessViolations(void) {
  ULONG Stage = 0;
  __try {
    Stage = 1;
    Peek(0x18);
    Stage = 2;
  } __except (Tell("read", GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
    SAY("read: stage %u, code %08x\n", Stage, GetExceptionCode());
  }
  __try {
    Poke(0x20);
  } __except (GetExceptionCode() == STATUS_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
    SAY("write: code %08x\n", GetExceptionCode());
  }
  __try {
    ((void (*)(void))(ULONG_PTR)0x28)();
  } __except (Tell("jump", GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
    SAY("jump: code %08x\n", GetExceptionCode());
  }
}

static void Arithmetic(void) {
  volatile ULONG Dividend = 7, Divisor = 0;
  __try {
    SAY("%u\n", Divide(&Dividend, &Divisor));
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("divide: code %08x\n", GetExceptionCode());
  }
}

// The other way in which a division goes wrong.
static void Overflow(void) {
  volatile LONG Dividend = (LONG)0x80000000, Divisor = -1;
  __try {
    SAY("%d\n", DivideSigned(&Dividend, &Divisor));
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("overflow: code %08x\n", GetExceptionCode());
  }
}

// What drivers must catch of MmProbeAndLockPages: no memory there, or none that may be written.
static const ULONG Constant = 1;
static void Lock(PVOID Address, LOCK_OPERATION Operation, const char* What) {
  PMDL Mdl = IoAllocateMdl(Address, sizeof(ULONG), FALSE, FALSE, NULL);
  if (Mdl == NULL) return;
  __try {
    MmProbeAndLockPages(Mdl, KernelMode, Operation);
    SAY("locked %s\n", What);
    MmUnlockPages(Mdl);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("not locked %s: %08x\n", What, GetExceptionCode());
  }
  IoFreeMdl(Mdl);
}
static void Locks(void) {
  Lock((PVOID)(ULONG_PTR)0x10000, IoReadAccess, "nowhere");
  Lock((PVOID)(ULONG_PTR)&Constant, IoReadAccess, "to read");
  Lock((PVOID)(ULONG_PTR)&Constant, IoWriteAccess, "to write");
}

static void Raised(void) {
  __try {
    Raise(STATUS_PROBE_ONE);
    SAY("not reached\n");
  } __except (Tell("raised", GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
    SAY("raised: code %08x\n", GetExceptionCode());
  }
}

// The inner filter passes, the outer takes; both finally blocks run in between, the inner first.
static void Nested(void) {
  __try {
    __try {
      __try {
        __try {
          Raise(STATUS_PROBE_TWO);
        } __finally {
          SAY("  innermost finally, abnormal %u\n", AbnormalTermination() != 0);
        }
      } __except (Tell("inner", GetExceptionInformation(), EXCEPTION_CONTINUE_SEARCH)) {
        SAY("not reached\n");
      }
    } __finally {
      SAY("  outer finally, abnormal %u\n", AbnormalTermination() != 0);
    }
  } __except (Tell("outer", GetExceptionInformation(), EXCEPTION_EXECUTE_HANDLER)) {
    SAY("nested: code %08x\n", GetExceptionCode());
  }
}

static void Ordinary(void) {
  ULONG Stage = 0;
  __try {
    Stage = 1;
    if (Stage == 1) __leave;
    Stage = 2;
  } __finally {
    SAY("left: stage %u, abnormal %u\n", Stage, AbnormalTermination() != 0);
  }
  __try {
    Stage = 3;
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    Stage = 4;
  }
  SAY("nothing raised: stage %u\n", Stage);
}

// An exception that may be gone on from: the filter mends what was wrong.
static LONG Mend(PEXCEPTION_POINTERS Pointers, volatile ULONG* Mended) {
  *Mended += 1;
  return Pointers->ExceptionRecord->ExceptionCode == STATUS_PROBE_ONE ? EXCEPTION_CONTINUE_EXECUTION
                                                                      : EXCEPTION_CONTINUE_SEARCH;
}
static void Continued(void) {
  EXCEPTION_RECORD Record;
  volatile ULONG Mended = 0;
  RtlZeroMemory(&Record, sizeof(Record));
  Record.ExceptionCode = STATUS_PROBE_ONE;
  Record.NumberParameters = 1;
  Record.ExceptionInformation[0] = 5;
  __try {
    RtlRaiseException(&Record);
    SAY("continued: mended %u\n", Mended);
  } __except (Mend(GetExceptionInformation(), &Mended)) {
    SAY("not reached\n");
  }
}

// An exception while a filter runs, handled there; and one that the filter does not handle.
static LONG FilterThatHandles(void) {
  __try {
    Raise(STATUS_PROBE_TWO);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("  in the filter: %08x\n", GetExceptionCode());
  }
  return EXCEPTION_EXECUTE_HANDLER;
}
// Asked again about its own fault, as Windows does: the frames of the first exception are still there.
static LONG FilterThatFaults(NTSTATUS Code) {
  SAY("  asked about %08x\n", Code);
  if (Code == STATUS_PROBE_ONE) Peek(0x30);
  return EXCEPTION_EXECUTE_HANDLER;
}
static void InFilters(void) {
  __try {
    Raise(STATUS_PROBE_ONE);
  } __except (FilterThatHandles()) {
    SAY("after the filter: %08x\n", GetExceptionCode());
  }
  __try {
    Raise(STATUS_PROBE_ONE);
  } __except (FilterThatFaults(GetExceptionCode())) {
    SAY("the filter's own: %08x\n", GetExceptionCode());
  }
}

// An exception while a finally block runs takes the place of the first: the unwinds collide.
DECLSPEC_NOINLINE static void FinallyThatRaises(void) {
  __try {
    Raise(STATUS_PROBE_ONE);
  } __finally {
    SAY("  finally raises another, abnormal %u\n", AbnormalTermination() != 0);
    Raise(STATUS_PROBE_TWO);
  }
}
static void Collided(void) {
  __try {
    __try {
      FinallyThatRaises();
    } __finally {
      SAY("  the frame beyond, abnormal %u\n", AbnormalTermination() != 0);
    }
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("collided: %08x\n", GetExceptionCode());
  }
}

static void InHandlers(void) {
  ULONG Round;
  __try {
    __try {
      Raise(STATUS_PROBE_ONE);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
      SAY("  handler of %08x raises\n", GetExceptionCode());
      Raise(STATUS_PROBE_TWO);
    }
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("from a handler: %08x\n", GetExceptionCode());
  }
  for (Round = 0; Round < 4; ++Round) {
    __try {
      if (Round != 1) Raise(STATUS_PROBE_ONE + (NTSTATUS)Round);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
      SAY("  round %u: %08x\n", Round, GetExceptionCode());
      if (Round == 2) break;
      continue;
    }
    SAY("  round %u without\n", Round);
  }
  SAY("left the loop in round %u\n", Round);
}

static NTSTATUS Returns(ULONG_PTR Address) {
  __try {
    return (NTSTATUS)Peek(Address);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    if (Address != 0) return GetExceptionCode();
  }
  return STATUS_SUCCESS;
}

DECLSPEC_NOINLINE static ULONG Deep(ULONG Level) {
  ULONG Below = 0;
  __try {
    if (Level == 0) Raise(STATUS_PROBE_ONE);
    Below = Deep(Level - 1) + 1;
  } __finally {
    SAY("  level %u, abnormal %u\n", Level, AbnormalTermination() != 0);
  }
  return Below;
}
static void Recursive(void) {
  __try {
    Deep(3);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("deep: %08x\n", GetExceptionCode());
  }
}

// The kernel's own functions, at a driver's wrong pointer or by what they raise.
static void Kernel(void) {
  ULONG Value = 0;
  __try {
    Copy(&Value, 0x40, sizeof(Value));
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("copy: %08x\n", GetExceptionCode());
  }
  __try {
    ProbeForRead((PVOID)(ULONG_PTR)0x10001, 8, 4);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("misaligned: %08x\n", GetExceptionCode());
  }
  __try {
    ProbeForRead(&Value, sizeof(Value), 1);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("the kernel's: %08x\n", GetExceptionCode());
  }
  __try {
    ProbeForRead((PVOID)(ULONG_PTR)0x10000, 16, 4);
    SAY("probed\n");
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("not reached\n");
  }
}

// Across a call that the kernel makes into the driver.
static NTSTATUS NTAPI Query(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context, PVOID EntryContext) {
  UNREFERENCED_PARAMETER(Name);
  UNREFERENCED_PARAMETER(Type);
  UNREFERENCED_PARAMETER(Data);
  UNREFERENCED_PARAMETER(Length);
  UNREFERENCED_PARAMETER(Context);
  UNREFERENCED_PARAMETER(EntryContext);
  __try {
    Raise(STATUS_PROBE_TWO);
  } __finally {
    SAY("  the routine's finally, abnormal %u\n", AbnormalTermination() != 0);
  }
  return STATUS_SUCCESS;
}
static void AcrossTheKernel(void) {
  RTL_QUERY_REGISTRY_TABLE Table[2];
  RtlZeroMemory(Table, sizeof(Table));
  Table[0].QueryRoutine = Query;
  Table[0].Name = L"NoSuchValue";
  Table[0].DefaultType = REG_DWORD;
  Table[0].DefaultData = &Table[1];
  Table[0].DefaultLength = sizeof(ULONG);
  __try {
    RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"seh", Table, NULL, NULL);
    SAY("not reached\n");
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    SAY("across the kernel: %08x\n", GetExceptionCode());
  }
}

static NTSTATUS SehWrite(PFILTER_EXTENSION Extension, PLARGE_INTEGER DiskByteOffset, PMDL Mdl) {
  UNREFERENCED_PARAMETER(Extension);
  UNREFERENCED_PARAMETER(DiskByteOffset);
  UNREFERENCED_PARAMETER(Mdl);
  Arithmetic();
  return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PFILTER_EXTENSION FilterExtension, PFILTER_INITIALIZATION_DATA InitializationData) {
  UNREFERENCED_PARAMETER(FilterExtension);
  InitializationData->DumpWrite = SehWrite;
  AccessViolations();
  Arithmetic();
  Overflow();
  Locks();
  Raised();
  Nested();
  Ordinary();
  Continued();
  InFilters();
  Collided();
  InHandlers();
  SAY("returns %08x\n", Returns(0x38));
  Recursive();
  Kernel();
  AcrossTheKernel();
  return STATUS_SUCCESS;
}
