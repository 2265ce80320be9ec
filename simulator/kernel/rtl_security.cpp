// SPDX-License-Identifier: Apache-2.0
// Descriptors, lists and identifiers that a driver puts together. Nothing here decides about access: drivers run as the
// system, to which everything is allowed.
#include <cstring>

#include "kernel/kernel.hpp"
//
#include "kernel/ddi.hpp"

namespace dumpsim::kernel {
namespace {

SECURITY_DESCRIPTOR* absolute(PSECURITY_DESCRIPTOR descriptor, NTSTATUS& status) {
  auto* absolute = static_cast<SECURITY_DESCRIPTOR*>(descriptor);
  status = absolute->Revision != SECURITY_DESCRIPTOR_REVISION ? STATUS_UNKNOWN_REVISION
           : (absolute->Control & SE_SELF_RELATIVE) != 0      ? STATUS_INVALID_SECURITY_DESCR
                                                              : STATUS_SUCCESS;
  return absolute;
}

void flag(SECURITY_DESCRIPTOR& descriptor, USHORT bit, BOOLEAN on) {
  descriptor.Control = static_cast<USHORT>(on != FALSE ? descriptor.Control | bit : descriptor.Control & ~bit);
}

ULONG padded(ULONG bytes) {
  return (bytes + 3) & ~3u;
}

bool valid_acl(const ACL* acl) {
  return acl->AclRevision >= ACL_REVISION && acl->AclRevision <= ACL_REVISION_DS && acl->AclSize >= sizeof(ACL);
}

}  // namespace

NTSTATUS RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision) {
  if (Revision != SECURITY_DESCRIPTOR_REVISION) return STATUS_UNKNOWN_REVISION;
  std::memset(SecurityDescriptor, 0, sizeof(SECURITY_DESCRIPTOR));
  static_cast<SECURITY_DESCRIPTOR*>(SecurityDescriptor)->Revision = SECURITY_DESCRIPTOR_REVISION;
  return STATUS_SUCCESS;
}

// A NULL list that is present allows everything; one that is not present leaves it to whoever asks [doc].
NTSTATUS RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent, PACL Dacl,
                                      BOOLEAN DaclDefaulted) {
  NTSTATUS status = STATUS_SUCCESS;
  SECURITY_DESCRIPTOR* descriptor = absolute(SecurityDescriptor, status);
  if (!NT_SUCCESS(status)) return status;
  flag(*descriptor, SE_DACL_PRESENT, DaclPresent);
  if (DaclPresent == FALSE) return STATUS_SUCCESS;
  descriptor->Dacl = Dacl;
  flag(*descriptor, SE_DACL_DEFAULTED, DaclDefaulted);
  return STATUS_SUCCESS;
}

NTSTATUS RtlGetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PBOOLEAN DaclPresent, PACL* Dacl,
                                      PBOOLEAN DaclDefaulted) {
  NTSTATUS status = STATUS_SUCCESS;
  const SECURITY_DESCRIPTOR* descriptor = absolute(SecurityDescriptor, status);
  if (!NT_SUCCESS(status)) return status;
  *DaclPresent = (descriptor->Control & SE_DACL_PRESENT) != 0 ? TRUE : FALSE;
  if (*DaclPresent == FALSE) return STATUS_SUCCESS;
  *Dacl = descriptor->Dacl;
  *DaclDefaulted = (descriptor->Control & SE_DACL_DEFAULTED) != 0 ? TRUE : FALSE;
  return STATUS_SUCCESS;
}

NTSTATUS RtlSetOwnerSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Owner, BOOLEAN OwnerDefaulted) {
  NTSTATUS status = STATUS_SUCCESS;
  SECURITY_DESCRIPTOR* descriptor = absolute(SecurityDescriptor, status);
  if (!NT_SUCCESS(status)) return status;
  descriptor->Owner = Owner;
  flag(*descriptor, SE_OWNER_DEFAULTED, OwnerDefaulted);
  return STATUS_SUCCESS;
}

NTSTATUS RtlSetGroupSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, PSID Group, BOOLEAN GroupDefaulted) {
  NTSTATUS status = STATUS_SUCCESS;
  SECURITY_DESCRIPTOR* descriptor = absolute(SecurityDescriptor, status);
  if (!NT_SUCCESS(status)) return status;
  descriptor->Group = Group;
  flag(*descriptor, SE_GROUP_DEFAULTED, GroupDefaulted);
  return STATUS_SUCCESS;
}

// Of descriptors in absolute form; a self-relative one is not put together by anything here and not taken.
BOOLEAN RtlValidSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor) {
  NTSTATUS status = STATUS_SUCCESS;
  const SECURITY_DESCRIPTOR* descriptor = absolute(SecurityDescriptor, status);
  if (!NT_SUCCESS(status)) return FALSE;
  for (PSID sid : {descriptor->Owner, descriptor->Group}) {
    if (sid != nullptr && kernel::RtlValidSid(sid) == FALSE) return FALSE;
  }
  const bool listed = (descriptor->Control & SE_DACL_PRESENT) != 0 && descriptor->Dacl != nullptr;
  return listed && !valid_acl(descriptor->Dacl) ? FALSE : TRUE;
}

// With everything it points at, each padded to four bytes [doc].
ULONG RtlLengthSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor) {
  const auto& descriptor = *static_cast<SECURITY_DESCRIPTOR*>(SecurityDescriptor);
  ULONG length = sizeof(SECURITY_DESCRIPTOR);
  for (PSID sid : {descriptor.Owner, descriptor.Group}) {
    if (sid != nullptr) length += padded(kernel::RtlLengthSid(sid));
  }
  if ((descriptor.Control & SE_DACL_PRESENT) != 0 && descriptor.Dacl != nullptr)
    length += padded(descriptor.Dacl->AclSize);
  if ((descriptor.Control & SE_SACL_PRESENT) != 0 && descriptor.Sacl != nullptr)
    length += padded(descriptor.Sacl->AclSize);
  return length;
}

NTSTATUS RtlCreateAcl(PACL Acl, ULONG AclLength, ULONG AclRevision) {
  if (AclLength < sizeof(ACL)) return STATUS_BUFFER_TOO_SMALL;
  if (AclRevision < ACL_REVISION || AclRevision > ACL_REVISION_DS || AclLength > 0xFFFF)
    return STATUS_INVALID_PARAMETER;
  *Acl = ACL{static_cast<UCHAR>(AclRevision), 0, static_cast<USHORT>(AclLength & ~3u), 0, 0};
  return STATUS_SUCCESS;
}

NTSTATUS RtlAddAccessAllowedAce(PACL Acl, ULONG AceRevision, ACCESS_MASK AccessMask, PSID Sid) {
  if (!valid_acl(Acl)) return STATUS_INVALID_ACL;
  if (kernel::RtlValidSid(Sid) == FALSE) return STATUS_INVALID_SID;
  if (AceRevision > ACL_REVISION_DS || AceRevision < ACL_REVISION) return STATUS_REVISION_MISMATCH;
  auto* bytes = reinterpret_cast<std::byte*>(Acl);
  std::size_t end = sizeof(ACL);
  for (USHORT i = 0; i < Acl->AceCount; ++i) {
    if (end + sizeof(ACE_HEADER) > Acl->AclSize) return STATUS_INVALID_ACL;
    ACE_HEADER header;
    std::memcpy(&header, bytes + end, sizeof header);
    end += header.AceSize;
  }
  const ULONG sid_bytes = kernel::RtlLengthSid(Sid);
  const std::size_t ace_bytes = FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + sid_bytes;
  if (end + ace_bytes > Acl->AclSize) return STATUS_ALLOTTED_SPACE_EXCEEDED;
  const ACE_HEADER header{ACCESS_ALLOWED_ACE_TYPE, 0, static_cast<USHORT>(ace_bytes)};
  std::memcpy(bytes + end, &header, sizeof header);
  std::memcpy(bytes + end + sizeof header, &AccessMask, sizeof AccessMask);
  std::memcpy(bytes + end + FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart), Sid, sid_bytes);
  ++Acl->AceCount;
  if (AceRevision > Acl->AclRevision) Acl->AclRevision = static_cast<UCHAR>(AceRevision);
  return STATUS_SUCCESS;
}

NTSTATUS RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority, UCHAR SubAuthorityCount) {
  if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES) return STATUS_INVALID_PARAMETER;
  auto& sid = *static_cast<SID*>(Sid);
  sid.Revision = SID_REVISION;
  sid.SubAuthorityCount = SubAuthorityCount;
  sid.IdentifierAuthority = *IdentifierAuthority;
  return STATUS_SUCCESS;
}

PULONG RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority) {
  return &static_cast<SID*>(Sid)->SubAuthority[SubAuthority];
}

ULONG RtlLengthRequiredSid(ULONG SubAuthorityCount) {
  return FIELD_OFFSET(SID, SubAuthority) + 4 * SubAuthorityCount;
}

ULONG RtlLengthSid(PSID Sid) {
  return kernel::RtlLengthRequiredSid(static_cast<SID*>(Sid)->SubAuthorityCount);
}

BOOLEAN RtlValidSid(PSID Sid) {
  const auto* sid = static_cast<SID*>(Sid);
  return sid != nullptr && sid->Revision == SID_REVISION && sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES ? TRUE
                                                                                                              : FALSE;
}

BOOLEAN RtlEqualSid(PSID Sid1, PSID Sid2) {
  const ULONG length = kernel::RtlLengthSid(Sid1);
  return length == kernel::RtlLengthSid(Sid2) && std::memcmp(Sid1, Sid2, length) == 0 ? TRUE : FALSE;
}

// Nothing of this machine asks who may do what: the descriptor is checked, and that the handle is one.
NTSTATUS ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR SecurityDescriptor) {
  Kernel& kernel = current();
  const auto handle = reinterpret_cast<std::uintptr_t>(Handle);
  if (kernel.key_of(handle) == nullptr && kernel.file_of(handle) == nullptr) return STATUS_INVALID_HANDLE;
  return kernel::RtlValidSecurityDescriptor(SecurityDescriptor) != FALSE ? STATUS_SUCCESS
                                                                         : STATUS_INVALID_SECURITY_DESCR;
}

}  // namespace dumpsim::kernel
