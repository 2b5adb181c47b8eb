using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CertAuthority.OpenSsh;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Signing;

/// <summary>Ed25519 (RFC 8032), which .NET 10 does not have, by the libcrypto of OpenSSL that .NET's own cryptography loads.</summary>
static partial class Libcrypto
{
    const string Library = "libcrypto";
    const int EvpPKeyEd25519 = 1087; // NID_ED25519
    const int SignatureLength = 64;

    static Libcrypto() => NativeLibrary.SetDllImportResolver(typeof(Libcrypto).Assembly, Resolve);

    /// <summary>An Ed25519 private key inside libcrypto, which wipes it when it is freed. Any number of threads may sign with it.</summary>
    internal sealed class PrivateKey() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        internal const int SeedLength = 32;

        /// <param name="seed">The private key of RFC 8032 section 5.1.5: 32 random bytes.</param>
        internal static PrivateKey FromSeed(ReadOnlySpan<byte> seed)
        {
            var key = EVP_PKEY_new_raw_private_key(EvpPKeyEd25519, 0, seed, (nuint)seed.Length);
            return key.IsInvalid ? throw Failure(nameof(EVP_PKEY_new_raw_private_key)) : key;
        }

        internal Ed25519PublicKey PublicKey()
        {
            var pk = new byte[32];
            var length = (nuint)pk.Length;
            Expect(EVP_PKEY_get_raw_public_key(this, pk, ref length), nameof(EVP_PKEY_get_raw_public_key));
            return new Ed25519PublicKey(pk);
        }

        /// <returns>64 bytes.</returns>
        internal byte[] Sign(ReadOnlySpan<byte> data)
        {
            using var context = EVP_MD_CTX_new();
            Expect(EVP_DigestSignInit(context, 0, 0, 0, this), nameof(EVP_DigestSignInit));
            var signature = new byte[SignatureLength];
            var length = (nuint)signature.Length;
            Expect(EVP_DigestSign(context, signature, ref length, data, (nuint)data.Length), nameof(EVP_DigestSign));
            return signature;
        }

        protected override bool ReleaseHandle()
        {
            EVP_PKEY_free(handle);
            return true;
        }
    }

    /// <summary>Whether <paramref name="signature"/> over <paramref name="data"/> is by the owner of <paramref name="key"/>.</summary>
    internal static bool Verify(Ed25519PublicKey key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        using var publicKey = EVP_PKEY_new_raw_public_key(EvpPKeyEd25519, 0, key.Pk, (nuint)key.Pk.Length);
        if (publicKey.IsInvalid)
            throw Failure(nameof(EVP_PKEY_new_raw_public_key));
        using var context = EVP_MD_CTX_new();
        Expect(EVP_DigestVerifyInit(context, 0, 0, 0, publicKey), nameof(EVP_DigestVerifyInit));
        var verified = EVP_DigestVerify(context, signature, (nuint)signature.Length, data, (nuint)data.Length) == 1;
        ERR_clear_error(); // a refusal leaves its reason in this thread's queue, where .NET's own calls would find it
        return verified;
    }

    static void Expect(int result, string function)
    {
        if (result != 1)
            throw Failure(function);
    }

    static CryptographicException Failure(string function)
    {
        ERR_clear_error();
        return new CryptographicException($"libcrypto: {function} failed");
    }

    // libcrypto.so, without a version, comes with development packages only.
    static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (library != Library)
            return 0;
        return NativeLibrary.TryLoad("libcrypto.so.3", out var handle) || NativeLibrary.TryLoad("libcrypto.so.1.1", out handle)
            ? handle
            : throw new DllNotFoundException("neither libcrypto.so.3 nor libcrypto.so.1.1 (OpenSSL) is installed");
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
    private static partial PrivateKey EVP_PKEY_new_raw_private_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    private static partial PrivateKey EVP_PKEY_new_raw_public_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_get_raw_public_key(PrivateKey key, Span<byte> pk, ref nuint length);

    [LibraryImport(Library)]
    private static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    private static partial DigestContext EVP_MD_CTX_new();

    [LibraryImport(Library)]
    private static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSignInit(DigestContext context, nint keyContext, nint digest, nint engine, PrivateKey key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSign(
        DigestContext context, Span<byte> signature, ref nuint signatureLength, ReadOnlySpan<byte> data, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerifyInit(DigestContext context, nint keyContext, nint digest, nint engine, PrivateKey key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerify(
        DigestContext context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> data, nuint length);

    [LibraryImport(Library)]
    private static partial void ERR_clear_error();
}
