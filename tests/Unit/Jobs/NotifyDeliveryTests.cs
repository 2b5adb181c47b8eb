using CertAuthority.Access.Values;
using CertAuthority.Jobs;

namespace CertAuthority.Tests.Unit.Jobs;

public class NotifyDeliveryTests
{
    [Theory]
    [InlineData(1, "1s")]
    [InlineData(2, "2s")]
    [InlineData(3, "4s")]
    [InlineData(12, "34m8s")]
    [InlineData(13, "1h")]
    [InlineData(100, "1h")]
    public void Pauses_grow_to_an_hour(int attempts, string pause) => Assert.Equal(pause, Durations.Show(NotifyDelivery.Pause(attempts)));
}
