// Events as AWS's documentation records them, shortened where members repeat; the types are those of @types/aws-lambda.

import type { ALBEvent, APIGatewayProxyEvent, APIGatewayProxyEventV2, SQSEvent } from "aws-lambda";

/** "Tutorial: Using Lambda with API Gateway", proxy integration, payload format 1.0. */
export function restEvent(session?: string): APIGatewayProxyEvent {
  const headers = {
    accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8",
    Host: "70ixmpl4fl.execute-api.us-east-2.amazonaws.com",
    "X-Amzn-Trace-Id": "Root=1-5e66d96f-7491f09xmpl79d18acf3d050",
    ...(session === undefined ? {} : { "Causalmesh-Session": session }),
  };
  return {
    resource: "/",
    path: "/",
    httpMethod: "GET",
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      resourceId: "2gxmpl",
      resourcePath: "/",
      httpMethod: "GET",
      path: "/test",
      accountId: "123456789012",
      protocol: "HTTP/1.1",
      stage: "test",
      requestTimeEpoch: 1583798639428,
      requestId: "77375676-xmpl-4b79-853a-f982474efe18",
      identity: { sourceIp: "52.255.255.12" } as never,
      apiId: "70ixmpl4fl",
      authorizer: null,
    },
    body: null,
    isBase64Encoded: false,
  };
}

/** "Invoking Lambda functions using a function URL", and HTTP APIs: payload format 2.0. Header names are in lower case; lines of one name have commas. */
export function httpEvent(session?: string): APIGatewayProxyEventV2 {
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/my/path",
    rawQueryString: "parameter1=value1&parameter1=value2&parameter2=value",
    cookies: ["cookie1", "cookie2"],
    headers: { header1: "value1", header2: "value1,value2", ...(session === undefined ? {} : { "causalmesh-session": session }) },
    queryStringParameters: { parameter1: "value1,value2", parameter2: "value" },
    requestContext: {
      accountId: "123456789012",
      apiId: "<urlid>",
      domainName: "<url-id>.lambda-url.us-west-2.on.aws",
      domainPrefix: "<url-id>",
      http: { method: "POST", path: "/my/path", protocol: "HTTP/1.1", sourceIp: "123.123.123.123", userAgent: "agent" },
      requestId: "id",
      routeKey: "$default",
      stage: "$default",
      time: "12/Mar/2020:19:03:58 +0000",
      timeEpoch: 1583348638390,
    },
    body: "Hello from client!",
    isBase64Encoded: false,
  };
}

/** "Lambda functions as targets" of a load balancer, with multi-value headers. */
export function balancerEvent(session?: string): ALBEvent {
  return {
    requestContext: { elb: { targetGroupArn: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-target-group/6d0ecf831eec9f09" } },
    httpMethod: "GET",
    path: "/",
    multiValueQueryStringParameters: {},
    multiValueHeaders: { accept: ["text/html"], "x-forwarded-port": ["80"], ...(session === undefined ? {} : { "causalmesh-session": [session] }) },
    body: "",
    isBase64Encoded: false,
  };
}

/** "Using Lambda with Amazon SQS". */
export function sqsEvent(...sessions: (string | undefined)[]): SQSEvent {
  return {
    Records: sessions.map((session, index) => ({
      messageId: `059f36b4-87a3-44ab-83d2-66197597c5a${index}`,
      receiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
      body: "Test message.",
      attributes: {
        ApproximateReceiveCount: "1",
        SentTimestamp: "1545082649183",
        SenderId: "AIDAIENQZJOLO23YVJ4VO",
        ApproximateFirstReceiveTimestamp: "1545082649185",
      },
      messageAttributes: {
        myAttribute: { stringValue: "myValue", stringListValues: [], binaryListValues: [], dataType: "String" },
        ...(session === undefined ? {} : { "causalmesh-session": { stringValue: session, stringListValues: [], binaryListValues: [], dataType: "String" } }),
      },
      md5OfBody: "098f6bcd4621d373cade4e832627b4f6",
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-2:123456789012:my-queue",
      awsRegion: "us-east-2",
    })),
  };
}
