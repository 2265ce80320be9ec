// SPDX-License-Identifier: Apache-2.0
// Virtual time. It moves when something that takes time happens; reading a clock takes one unit, so that a loop which
// polls until time has passed ends here as it does on Windows. What has come due meanwhile interrupts the caller.
#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

constexpr ULONG tick = 156250;                    // 15.625 ms in 100 ns units, the usual clock interval [doc]
constexpr LONGLONG counter_frequency = 10000000;  // 10 MHz [seen: Windows 10]

std::uint64_t now() {
  Kernel& kernel = current();
  machine::Clock& clock = kernel.machine().clock;
  clock.advance(1);
  const std::uint64_t told = clock.now;
  kernel.scheduler().poll();
  return told;
}

}  // namespace

VOID KeStallExecutionProcessor(ULONG MicroSeconds) {
  Kernel& kernel = current();
  kernel.machine().clock.advance(std::uint64_t{MicroSeconds} * 10);
  kernel.scheduler().poll();
}

VOID KeQuerySystemTime(PLARGE_INTEGER CurrentTime) {
  const std::uint64_t time = now();
  CurrentTime->QuadPart = static_cast<LONGLONG>(machine::boot_filetime + time - time % tick);
}

VOID KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) {
  CurrentTime->QuadPart = static_cast<LONGLONG>(machine::boot_filetime + now());
}

LARGE_INTEGER KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency) {
  if (PerformanceFrequency != nullptr) PerformanceFrequency->QuadPart = counter_frequency;
  LARGE_INTEGER counter;
  counter.QuadPart = static_cast<LONGLONG>(now());
  return counter;
}

VOID KeQueryTickCount(PLARGE_INTEGER CurrentCount) {
  CurrentCount->QuadPart = static_cast<LONGLONG>(now() / tick);
}

ULONG KeQueryTimeIncrement(VOID) {
  return tick;
}

ULONGLONG KeQueryInterruptTime(VOID) {
  const std::uint64_t time = now();
  return time - time % tick;
}

ULONG64 KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp) {
  const std::uint64_t time = now();
  if (QpcTimeStamp != nullptr) *QpcTimeStamp = time;
  return time;
}

// Without the time spent asleep: hibernation ends in another boot here, so there is none.
ULONGLONG KeQueryUnbiasedInterruptTime(VOID) {
  return kernel::KeQueryInterruptTime();
}

// The simulated machine stands in UTC.
VOID ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime) {
  *LocalTime = *SystemTime;
}
VOID ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime) {
  *SystemTime = *LocalTime;
}

/// 1970-01-01 in units of 100 ns since 1601-01-01.
constexpr LONGLONG epoch_1970 = 116444736000000000;

BOOLEAN RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds) {
  const LONGLONG seconds = (Time->QuadPart - epoch_1970) / 10000000;
  if (Time->QuadPart < epoch_1970 || seconds > 0xFFFFFFFF) return FALSE;
  *ElapsedSeconds = static_cast<ULONG>(seconds);
  return TRUE;
}

VOID RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time) {
  Time->QuadPart = epoch_1970 + LONGLONG{ElapsedSeconds} * 10000000;
}

// ---- calendar: days since 1601-01-01, a Monday, in the proleptic Gregorian calendar [doc] ----

VOID RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields) {
  const auto total = static_cast<std::uint64_t>(Time->QuadPart) / 10000;  // milliseconds
  const std::uint64_t in_day = total % 86400000;
  const std::uint64_t days = total / 86400000;
  TimeFields->Hour = static_cast<CSHORT>(in_day / 3600000);
  TimeFields->Minute = static_cast<CSHORT>(in_day / 60000 % 60);
  TimeFields->Second = static_cast<CSHORT>(in_day / 1000 % 60);
  TimeFields->Milliseconds = static_cast<CSHORT>(in_day % 1000);
  TimeFields->Weekday = static_cast<CSHORT>((days + 1) % 7);
  // Years counted from March, so that the leap day is a year's last; 1600-03-01 lies 306 days before the epoch.
  const std::uint64_t from_march = days + 306;
  const std::uint64_t era = from_march / 146097;
  const std::uint64_t in_era = from_march % 146097;
  const std::uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  const std::uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
  const std::uint64_t month = (5 * in_year + 2) / 153;
  TimeFields->Day = static_cast<CSHORT>(in_year - (153 * month + 2) / 5 + 1);
  TimeFields->Month = static_cast<CSHORT>(month < 10 ? month + 3 : month - 9);
  TimeFields->Year = static_cast<CSHORT>(1600 + era * 400 + year + (month >= 10 ? 1 : 0));
}

BOOLEAN RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time) {
  const TIME_FIELDS& f = *TimeFields;
  constexpr CSHORT lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (f.Year < 1601 || f.Month < 1 || f.Month > 12) return FALSE;
  const bool leap = (f.Year % 4 == 0 && f.Year % 100 != 0) || f.Year % 400 == 0;
  const int last = lengths[f.Month - 1] + (f.Month == 2 && leap ? 1 : 0);
  if (f.Day < 1 || f.Day > last || f.Hour < 0 || f.Hour > 23 || f.Minute < 0 || f.Minute > 59 || f.Second < 0 ||
      f.Second > 59 || f.Milliseconds < 0 || f.Milliseconds > 999) {
    return FALSE;
  }
  const std::uint64_t year = static_cast<std::uint64_t>(f.Year) - 1600 - (f.Month <= 2 ? 1 : 0);
  const std::uint64_t month = static_cast<std::uint64_t>(f.Month > 2 ? f.Month - 3 : f.Month + 9);
  const std::uint64_t in_year = (153 * month + 2) / 5 + static_cast<std::uint64_t>(f.Day) - 1;
  const std::uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 + in_year - 306;
  const std::uint64_t seconds =
      ((days * 24 + static_cast<std::uint64_t>(f.Hour)) * 60 + static_cast<std::uint64_t>(f.Minute)) * 60 +
      static_cast<std::uint64_t>(f.Second);
  Time->QuadPart = static_cast<LONGLONG>((seconds * 1000 + static_cast<std::uint64_t>(f.Milliseconds)) * 10000);
  return TRUE;
}

}  // namespace dumpsim::kernel
