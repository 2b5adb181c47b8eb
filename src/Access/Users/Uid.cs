using System.Runtime.InteropServices;

namespace CertAuthority.Access.Users;

/// <summary>A uid, and the realm in which it means a person.</summary>
/// <param name="Number">The uid, as the kernel reports it.</param>
/// <param name="Realm">The number of the <see cref="Users.Realm"/>; 0 for the first one.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Uid(uint Number, uint Realm = 0)
{
    /// <summary>The uid of the first realm.</summary>
    public static implicit operator Uid(uint number) => new(number);

    /// <summary>The uid as one number, for the tables: in the first realm, the uid itself.</summary>
    public long Stored => ((long)Realm << 32) | Number;

    /// <summary>Reads a number of the tables.</summary>
    public static Uid FromStored(long stored) => new((uint)stored, (uint)(stored >> 32));

    /// <inheritdoc/>
    public override string ToString() => Realm == 0 ? $"{Number}" : $"{Number} in realm {Realm}";
}
