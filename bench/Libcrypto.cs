using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Bench;

/// <summary>Ed25519 by the libcrypto of OpenSSL 3: what the daemon called before, and what BouncyCastle is measured against.</summary>
internal static partial class Libcrypto
{
    private const string Library = "libcrypto.so.3";
    private const int Ed25519 = 1087; // NID_ED25519

    /// <summary>An Ed25519 key, private or public.</summary>
    internal sealed class Key() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        public static Key FromSeed(ReadOnlySpan<byte> seed) => EVP_PKEY_new_raw_private_key(Ed25519, 0, seed, (nuint)seed.Length);

        public static Key FromPublic(ReadOnlySpan<byte> pk) => EVP_PKEY_new_raw_public_key(Ed25519, 0, pk, (nuint)pk.Length);

        public byte[] Sign(ReadOnlySpan<byte> data)
        {
            using var context = EVP_MD_CTX_new();
            var signature = new byte[64];
            var length = (nuint)signature.Length;
            Expect(EVP_DigestSignInit(context, 0, 0, 0, this));
            Expect(EVP_DigestSign(context, signature, ref length, data, (nuint)data.Length));
            return signature;
        }

        public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        {
            using var context = EVP_MD_CTX_new();
            Expect(EVP_DigestVerifyInit(context, 0, 0, 0, this));
            return EVP_DigestVerify(context, signature, (nuint)signature.Length, data, (nuint)data.Length) == 1;
        }

        protected override bool ReleaseHandle()
        {
            EVP_PKEY_free(handle);
            return true;
        }
    }

    private static void Expect(int result)
    {
        if (result != 1)
            throw new InvalidOperationException("libcrypto refused");
    }

    internal sealed class DigestContext() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_MD_CTX_free(handle);
            return true;
        }
    }

    [LibraryImport(Library)]
    private static partial Key EVP_PKEY_new_raw_private_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    private static partial Key EVP_PKEY_new_raw_public_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    private static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    private static partial DigestContext EVP_MD_CTX_new();

    [LibraryImport(Library)]
    private static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSignInit(DigestContext context, nint keyContext, nint digest, nint engine, Key key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSign(DigestContext context, Span<byte> signature, ref nuint signatureLength, ReadOnlySpan<byte> data, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerifyInit(DigestContext context, nint keyContext, nint digest, nint engine, Key key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerify(DigestContext context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> data, nuint length);
}
