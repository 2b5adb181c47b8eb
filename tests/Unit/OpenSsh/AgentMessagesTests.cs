using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public sealed class AgentMessagesTests
{
    [Theory]
    [InlineData("ca.pub", 0)]
    [InlineData("rsa_ca.pub", 4)]
    public void Request_to_sign_asks_an_RSA_key_for_SHA_512(string vector, byte flags)
    {
        var key = SignatureKey.Parse(PublicKey.ParseLine(Vector.Text(vector)).ToBlob());

        var message = AgentMessages.ToSign(key, [1, 2, 3]);

        Assert.Equal([13, .. new WireWriter().String(key.ToBlob()).String([1, 2, 3]).ToArray(), 0, 0, 0, flags], message);
    }

    [Fact]
    public void Keys_of_unknown_kinds_are_read_with_the_others()
    {
        var answer = new WireWriter().Byte(12).UInt32(2).String([1, 2]).String("one").String([0xFF]).String("").ToArray();

        var keys = AgentMessages.ReadIdentities(answer);

        Assert.Equal(["0102 one", "FF "], keys.Select(key => $"{Convert.ToHexString([.. key.Blob])} {key.Comment}"));
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("a failure", "05")]
    [InlineData("another message", "0E00000000")]
    [InlineData("a count without keys", "0C00000001")]
    [InlineData("four milliard keys", "0CFFFFFFFF")]
    [InlineData("a key that is cut off", "0C000000010000000501")]
    [InlineData("bytes after the last key", "0C0000000000")]
    public void Malformed_list_of_keys_is_rejected(string what, string answer) =>
        Assert.True(Record.Exception(() => AgentMessages.ReadIdentities(Convert.FromHexString(answer))) is SshFormatException, what);

    [Fact]
    public void Signature_and_refusal_are_read()
    {
        var signature = AgentMessages.ReadSignature(new WireWriter().Byte(14).String(new WireWriter().String("ssh-ed25519").String([9])).ToArray());
        Assert.Equal(("ssh-ed25519", "09"), (signature!.Value.Algorithm, Convert.ToHexString(signature.Value.Blob)));
        Assert.Null(AgentMessages.ReadSignature([5]));
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("a failure with more", "0500")]
    [InlineData("a list of keys", "0C00000000")]
    [InlineData("an empty signature", "0E00000000")]
    [InlineData("no blob", "0E000000070000000373736800")]
    [InlineData("bytes after the blob", "0E0000000C0000000373736800000000AA")]
    [InlineData("bytes after the signature", "0E0000000B0000000373736800000000AA")]
    public void Malformed_signature_is_rejected(string what, string answer) =>
        Assert.True(Record.Exception(() => AgentMessages.ReadSignature(Convert.FromHexString(answer))) is SshFormatException, what);
}
