using System.Buffers.Binary;
using System.Collections.Immutable;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// The accounts and groups that may use a file in addition to its owner and root, enforced by the file system (acl(5)). The owner needs no
/// privilege to set it, even for groups that do not contain the owner.
/// </summary>
/// <param name="Users">The uids that may read and write.</param>
/// <param name="Groups">The gids whose members may read and write.</param>
public sealed partial record AccessList(ImmutableSortedSet<uint> Users, ImmutableSortedSet<uint> Groups)
{
    /// <summary>Grants access to the owner of the file only.</summary>
    public static readonly AccessList OwnerOnly = new([], []);

    private const ushort Owner = 0x01, User = 0x02, OwningGroup = 0x04, Group = 0x08, Mask = 0x10, Others = 0x20;
    private const ushort ReadAndWrite = 6, Nothing = 0;

    /// <summary>Replaces all permissions of a file.</summary>
    /// <exception cref="IOException">The file system has no access lists, or the file does not belong to this account.</exception>
    public void SetOn(string path)
    {
        // Version 2, then eight bytes for each entry, in this order. An id of all ones means "no id".
        var bytes = new List<byte> { 2, 0, 0, 0 };
        Add(Owner, ReadAndWrite, uint.MaxValue);
        foreach (var user in Users)
            Add(User, ReadAndWrite, user);
        Add(OwningGroup, Nothing, uint.MaxValue);
        foreach (var group in Groups)
            Add(Group, ReadAndWrite, group);
        if (Users.Count + Groups.Count > 0)
            Add(Mask, ReadAndWrite, uint.MaxValue);
        Add(Others, Nothing, uint.MaxValue);
        if (SetAttribute(path, "system.posix_acl_access", [.. bytes], (nuint)bytes.Count, 0) != 0)
            throw new IOException(new Win32Exception(Marshal.GetLastPInvokeError()).Message);

        void Add(ushort tag, ushort permissions, uint id)
        {
            Span<byte> entry = stackalloc byte[8];
            BinaryPrimitives.WriteUInt16LittleEndian(entry, tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], id);
            bytes.AddRange(entry);
        }
    }

    /// <inheritdoc/>
    public bool Equals(AccessList? other) => other is not null && Users.SetEquals(other.Users) && Groups.SetEquals(other.Groups);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Users.Count, Groups.Count);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetAttribute(string path, string name, byte[] value, nuint size, int flags);
}
