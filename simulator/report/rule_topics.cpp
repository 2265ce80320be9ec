// SPDX-License-Identifier: Apache-2.0
#include "report/rule_topics.hpp"

#include <algorithm>
#include <array>

#include "trace/calls.hpp"
#include "trace/record.hpp"

namespace dumpsim::report {
namespace {

using trace::Callback;
using trace::Kind;
using trace::TraceView;

bool any_callback(const TraceView& view) {
  return called(view, Callback::driver_entry, Callback::work_item);
}
bool driver_entry(const TraceView& view) {
  return called(view, Callback::driver_entry, Callback::driver_entry);
}
bool dump_write(const TraceView& view) {
  return called(view, Callback::write, Callback::write);
}
bool dump_read(const TraceView& view) {
  return called(view, Callback::read, Callback::read);
}
bool dump_callback(const TraceView& view) {
  return called(view, Callback::start, Callback::finish);
}
bool dispatch(const TraceView& view) {
  return called(view, Callback::dispatch, Callback::dispatch);
}
bool bugcheck_callback(const TraceView& view) {
  return called(view, Callback::bugcheck, Callback::triage_data);
}
bool unloaded(const TraceView& view) {
  return view.count(Kind::image_unloaded) != 0;
}
bool thread(const TraceView& view) {
  return view.count(Kind::thread_created) != 0;
}
bool exception(const TraceView& view) {
  return view.count(Kind::exception) != 0;
}
bool kernel_call(const TraceView& view) {
  return view.count(Kind::kernel_call) != 0;
}
bool call_of(const TraceView& view, std::string_view name) {
  return std::any_of(view.begin(), view.end(), [&](const trace::Event& event) {
    return event.record.kind == Kind::kernel_call && event.text().starts_with(name);
  });
}
bool allocated(const TraceView& view) {
  return call_of(view, "ExAllocatePool");
}
bool freed(const TraceView& view) {
  return call_of(view, "ExFreePool");
}

constexpr std::array rows = {
    TopicRow{"write", "the memory that a filter is given to write", "DumpWrite was called", dump_write},
    TopicRow{"mdl", "the MDL that describes a write", "DumpWrite was called", dump_write},
    TopicRow{"scratch", "a filter's own buffer", "DumpWrite was called", dump_write},
    TopicRow{"data", "what lies on the disk in the end", "DumpWrite was called", dump_write},
    TopicRow{"read", "what a filter does with data that was read", "DumpRead was called", dump_read},
    TopicRow{"offset", "where a write goes", "DumpWrite was called", dump_write},
    TopicRow{"init", "FILTER_INITIALIZATION_DATA", "DriverEntry was called", driver_entry},
    TopicRow{"lifecycle", "the order of callbacks, and what their statuses mean",
             "DumpStart, DumpWrite or DumpFinish was called", dump_callback},
    TopicRow{"irql", "the IRQL that code runs at", "a callback was called", any_callback},
    TopicRow{"irql.too-high", "", "a driver called the kernel", kernel_call},
    TopicRow{"pool", "pool memory", "pool was allocated", allocated},
    TopicRow{"pool.double-free", "", "pool was freed", freed},
    TopicRow{"pool.bad-free", "", "pool was freed", freed},
    TopicRow{"pool.leak", "", "an image was unloaded", unloaded},
    TopicRow{"stack", "registers, and the kernel's stack", "a callback was called", any_callback},
    TopicRow{"processor", "instructions that only ring 0 may execute", "a callback was called", any_callback},
    TopicRow{"object", "devices, links, references and registered routines", "an image was unloaded", unloaded},
    TopicRow{"unload", "what must have ended when an image goes", "an image was unloaded", unloaded},
    TopicRow{"irp", "requests to a driver's devices", "a dispatch routine was called", dispatch},
    TopicRow{"bugcheck", "bug check callbacks", "a bug check callback was called", bugcheck_callback},
    TopicRow{"bugcheck.record-left-behind", "", "an image was unloaded", unloaded},
    TopicRow{"lock", "locks and waits", "a driver had threads", thread},
    TopicRow{"exception", "structured exceptions", "an exception was raised", exception},
};

}  // namespace

std::span<const TopicRow> all_topics() {
  return rows;
}

std::string_view topic_of(std::string_view slug) {
  return slug.substr(0, slug.find('.'));
}

const TopicRow* find_topic(std::string_view topic) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const TopicRow& row) { return row.topic == topic; });
  return found == rows.end() ? nullptr : &*found;
}

const TopicRow* row_for(std::string_view slug) {
  const TopicRow* own = find_topic(slug);
  return own != nullptr ? own : find_topic(topic_of(slug));
}

bool called(const TraceView& view, Callback first, Callback last, std::string_view prefix) {
  const auto meant = [&](std::size_t image) {
    return prefix.empty() || view.image_name(static_cast<std::uint16_t>(image)).starts_with(prefix);
  };
  if (std::any_of(view.calls().begin(), view.calls().end(), [&](const trace::CallRun& run) {
        return run.callback >= first && run.callback <= last && meant(run.image);
      })) {
    return true;
  }
  for (std::size_t image = 0; image < view.image_names().size(); ++image) {
    for (auto callback = static_cast<unsigned>(first); callback <= static_cast<unsigned>(last); ++callback) {
      if (view.tally(static_cast<std::uint16_t>(image), static_cast<Callback>(callback)).calls != 0 && meant(image))
        return true;
    }
  }
  return false;
}

}  // namespace dumpsim::report
