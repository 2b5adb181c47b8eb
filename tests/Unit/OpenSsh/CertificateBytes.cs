using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

/// <summary>A flawless user certificate, field by field, so that a test can spoil one of them and nothing else.</summary>
internal sealed record CertificateBytes
{
    private static readonly byte[] CaBlob = Vector.Blob("ca.pub");

    public string Type { get; init; } = "ssh-ed25519-cert-v01@openssh.com";
    public byte[] Nonce { get; init; } = new byte[32];
    public byte[] KeyFields { get; init; } = new WireWriter().String(Numbers.Point()).ToArray();
    public ulong Serial { get; init; } = 42;
    public uint CertificateType { get; init; } = 1;
    public byte[] KeyId { get; init; } = "alice"u8.ToArray();
    public byte[] Principals { get; init; } = Packed("postgres", "alice@db1");
    public ulong ValidAfter { get; init; } = 1_000;
    public ulong ValidBefore { get; init; } = 2_000;
    public byte[] CriticalOptions { get; init; } = [];
    public byte[] Extensions { get; init; } = Packed("permit-port-forwarding", "", "permit-pty", "");
    public byte[] Reserved { get; init; } = [];
    public byte[] SignatureKey { get; init; } = CaBlob;
    public byte[] Signature { get; init; } = new WireWriter().String("ssh-ed25519").String(new byte[64]).ToArray();

    internal static byte[] Packed(params string[] strings) => strings.Aggregate(new WireWriter(), (packed, text) => packed.String(text)).ToArray();

    internal byte[] ToBeSigned() =>
        new WireWriter().String(Type).String(Nonce).Raw(KeyFields).UInt64(Serial).UInt32(CertificateType).String(KeyId).String(Principals)
            .UInt64(ValidAfter).UInt64(ValidBefore).String(CriticalOptions).String(Extensions).String(Reserved).String(SignatureKey).ToArray();

    internal byte[] ToBlob() => new WireWriter().Raw(ToBeSigned()).String(Signature).ToArray();
}
